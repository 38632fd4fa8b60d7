"""Reading samples back."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta

import msgspec

from aetherlens.storage.pool import Database
from aetherlens.storage.statements import statement

#: Rows fetched at a time while a long answer streams out.
PAGE_ROWS = 10_000


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
    """Reads samples of one series."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def raw(self, series_id: int, start: datetime, end: datetime) -> AsyncIterator[Sequence[Point]]:
        """Yield the samples of [start, end) by time, in pages, so that a long range needs little memory."""
        while True:
            rows = await self._database.fetch(statement("history_raw"), series_id, start, end, PAGE_ROWS)
            if rows:
                yield [Point(row["ts"], row["value"]) for row in rows]
            if len(rows) < PAGE_ROWS:
                return
            start = rows[-1]["ts"] + timedelta(microseconds=1)

    async def latest(self, since: datetime) -> list[LatestSample]:
        """Return the newest sample of every series that has one since then."""
        rows = await self._database.fetch(statement("samples_latest"), since)
        return [LatestSample(row["series_id"], row["ts"], row["value"]) for row in rows]
