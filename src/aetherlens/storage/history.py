"""Reading samples back."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta

import msgspec

from aetherlens.lib.clock import EPOCH, from_us
from aetherlens.storage.bucketing import Bucket, buckets_of, days, fixed
from aetherlens.storage.pool import Database
from aetherlens.storage.readings import PAGE_ROWS, Readings
from aetherlens.storage.segments import SegmentStore
from aetherlens.storage.statements import statement

#: Name → bucket width; a day is the home's own and has no fixed width.
BUCKETS: dict[str, timedelta | None] = {
    "1m": timedelta(minutes=1),
    "5m": timedelta(minutes=5),
    "15m": timedelta(minutes=15),
    "1h": timedelta(hours=1),
    "1d": None,
}


class Point(msgspec.Struct, frozen=True, omit_defaults=True):
    """One sample, or one bucket of samples."""

    #: Time of the sample, or start of the bucket; UTC.
    timestamp: datetime
    #: The sample, or the mean of the bucket's samples.
    value: float
    min: float | None = None
    max: float | None = None
    count: int | None = None


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

    async def buckets(
        self, series_id: int, start: datetime, end: datetime, resolution: str, time_zone: str
    ) -> Sequence[Point]:
        """Return mean, extremes and count per bucket; `resolution` is a key of BUCKETS.

        Days follow the calendar of `time_zone`; finer buckets lie on a fixed grid in UTC, so that they do not depend on
        the range asked for.
        """
        width = BUCKETS[resolution]
        if width is None:
            rows = await self._database.fetch(statement("history_days"), series_id, start, end, time_zone)
        else:
            rows = await self._database.fetch(statement("history_buckets"), series_id, start, end, width, EPOCH)
        if await self._segments.reach(series_id, start, end, 1) is None:
            return [Point(row["ts"], row["value"], row["min"], row["max"], row["count"]) for row in rows]
        buckets: list[Bucket] = []
        starts_of = days(time_zone) if width is None else fixed(width)
        async for columns in self._readings.pages(series_id, start, end):
            for bucket in buckets_of(columns, starts_of):
                if buckets and buckets[-1].start_us == bucket.start_us:
                    buckets[-1].add(bucket)
                else:
                    buckets.append(bucket)
        return [Point(from_us(one.start_us), one.sum / one.count, one.min, one.max, one.count) for one in buckets]

    async def latest(self, since: datetime) -> list[LatestSample]:
        """Return the newest sample of every series that has one since then."""
        rows = await self._database.fetch(statement("samples_latest"), since)
        newest = {row["series_id"]: LatestSample(row["series_id"], row["ts"], row["value"]) for row in rows}
        for series_id, columns in (await self._segments.latest(since)).items():
            ts = from_us(int(columns.ts_us[0]))
            if series_id not in newest or newest[series_id].ts < ts:
                newest[series_id] = LatestSample(series_id, ts, float(columns.values[0]))
        return list(newest.values())
