"""Reading samples back."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

import msgspec

from aetherlens.lib.clock import from_us
from aetherlens.storage.pool import Database
from aetherlens.storage.readings import PAGE_ROWS, Readings
from aetherlens.storage.segments import SegmentStore
from aetherlens.storage.statements import statement


class Point(msgspec.Struct, frozen=True):
    """One sample."""

    #: UTC.
    timestamp: datetime
    value: float


class LatestSample(msgspec.Struct, frozen=True):
    """The newest sample of a series."""

    series_id: int
    ts: datetime
    value: float


class History:
    """Reads samples of one series; rows and segments look the same."""

    def __init__(self, database: Database, segments: SegmentStore) -> None:
        self._database = database
        self._segments = segments
        self._readings = Readings(database, segments)

    async def raw(self, series_id: int, start: datetime, end: datetime) -> AsyncIterator[Sequence[Point]]:
        """Yield the samples of [start, end) by time, in pages, so that a long range needs little memory."""
        async for columns in self._readings.pages(series_id, start, end):
            for begin in range(0, len(columns.ts_us), PAGE_ROWS):
                page = slice(begin, begin + PAGE_ROWS)
                pairs = zip(columns.ts_us[page].tolist(), columns.values[page].tolist(), strict=True)
                yield [Point(from_us(us), value) for us, value in pairs]

    async def latest(self, since: datetime) -> list[LatestSample]:
        """Return the newest sample of every series that has one since then."""
        rows = await self._database.fetch(statement("samples_latest"), since)
        newest = {row["series_id"]: LatestSample(row["series_id"], row["ts"], row["value"]) for row in rows}
        for series_id, columns in (await self._segments.latest(since)).items():
            ts = from_us(int(columns.ts_us[0]))
            if series_id not in newest or newest[series_id].ts < ts:
                newest[series_id] = LatestSample(series_id, ts, float(columns.values[0]))
        return list(newest.values())
