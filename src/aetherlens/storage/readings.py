"""The samples of a series, wherever they lie: in rows, in segments, or in both."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from aetherlens.lib.clock import to_us
from aetherlens.storage.codec import Columns
from aetherlens.storage.pool import Database
from aetherlens.storage.segments import PAGE_SEGMENTS, SegmentStore, join
from aetherlens.storage.statements import statement

#: Rows fetched at a time while a long answer streams out.
PAGE_ROWS = 10_000

_MICROSECOND = timedelta(microseconds=1)


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
            rows = await self._database.fetch(statement("history_raw"), series_id, start, bound, PAGE_ROWS)
            if len(rows) == PAGE_ROWS:
                bound = rows[-1]["ts"] + _MICROSECOND
            compacted = await self._segments.read(series_id, start, bound)
            columns = join(_columns(rows), compacted)
            if len(columns.ts_us):
                yield columns
            start = bound


def _columns(rows: list[Any]) -> Columns:
    return Columns(
        np.array([to_us(row["ts"]) for row in rows], dtype=np.int64),
        np.array([row["value"] for row in rows], dtype=np.float64),
    )
