"""The samples of a series, wherever they lie: in rows, in segments, or in both."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import numpy as np

from aetherlens.lib.clock import POSTGRES_EPOCH_US, from_us
from aetherlens.storage.codec import Columns
from aetherlens.storage.pool import Database
from aetherlens.storage.segments import EMPTY, PAGE_SEGMENTS, SegmentStore, join
from aetherlens.storage.statements import statement

#: Rows fetched at a time while a long answer streams out.
PAGE_ROWS = 10_000

_MICROSECOND = timedelta(microseconds=1)

# A one-dimensional array in PostgreSQL's binary format (array_send in its source): dimensions, whether there are nulls,
# type, length and lower bound; then length and value of each element, all big-endian.
_ARRAY_HEAD_BYTES = 20
_TIME = np.dtype([("length", ">i4"), ("time", ">i8")])
_VALUE = np.dtype([("length", ">i4"), ("value", ">f8")])


class Readings:
    """Reads across the seam. Rows are asked for first, segments second.

    A compaction that commits in between then shows a sample twice, which does no harm, and hides none. One snapshot for
    both would not do: a partition that is emptied is empty in older snapshots too.
    """

    def __init__(self, database: Database, segments: SegmentStore) -> None:
        self._database = database
        self._segments = segments

    async def pages(self, series_id: int, start: datetime, end: datetime) -> AsyncIterator[Columns]:
        """Yield the samples of [start, end) by time, in pieces, so that a long range needs little memory."""
        while start < end:
            reach = await self._segments.reach(series_id, start, end, PAGE_SEGMENTS)
            bound = end if reach is None else min(end, reach + _MICROSECOND)
            row = await self._database.fetchrow(statement("history_raw"), series_id, start, bound, PAGE_ROWS)
            hot = _columns(row["ts"], row["value"])
            if len(hot.ts_us) == PAGE_ROWS:
                bound = from_us(int(hot.ts_us[-1])) + _MICROSECOND
            columns = join(hot, await self._segments.read(series_id, start, bound))
            if len(columns.ts_us):
                yield columns
            start = bound


def _columns(ts: bytes | None, value: bytes | None) -> Columns:
    if ts is None or value is None:
        return EMPTY
    times = np.frombuffer(ts, dtype=_TIME, offset=_ARRAY_HEAD_BYTES)["time"]
    values = np.frombuffer(value, dtype=_VALUE, offset=_ARRAY_HEAD_BYTES)["value"]
    return Columns(times.astype(np.int64) + POSTGRES_EPOCH_US, values.astype(np.float64))
