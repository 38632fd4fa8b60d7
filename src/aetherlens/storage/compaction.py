"""Moves closed days from rows into segments, and joins short segments of past days into longer ones.

A day's segments and the disappearance of its rows are one transaction, so a crash at any point leaves either the rows
or the segments. While it runs, writers of that day wait and readers go on; the emptied partition is dropped afterwards,
and only if no sample has come for it meanwhile. Samples that come later make a new partition and are merged with the
next run.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import numpy as np

from aetherlens.lib.logs import get_logger
from aetherlens.lib.metrics import Metrics
from aetherlens.storage.codec import Columns, best_codec
from aetherlens.storage.codec.errors import CodecError
from aetherlens.storage.errors import CompactionError
from aetherlens.storage.partitions import Partitions
from aetherlens.storage.pool import Database
from aetherlens.storage.samples import SampleBatch
from aetherlens.storage.segments import EMPTY, Segment, SegmentStore, chain, join
from aetherlens.storage.statements import statement

log = get_logger(__name__)

#: Samples read, packed and written at a time, if no single series has more of them in a day.
GROUP_SAMPLES = 65_536

#: Samples of a joined segment at most. Longer ones would save little and slow down a read of one day.
JOINED_SAMPLES = 32_768


def _today() -> date:
    return datetime.now(UTC).date()


class Compactor:
    """Does the compaction."""

    def __init__(
        self,
        database: Database,
        partitions: Partitions,
        segments: SegmentStore,
        metrics: Metrics,
        *,
        after_days: int,
        today: Callable[[], date] = _today,
        codec: int | None = None,
    ) -> None:
        """Days are compacted `after_days` after their end. `today` in UTC; `codec` is the best there is by default."""
        self._database = database
        self._partitions = partitions
        self._segments = segments
        self._metrics = metrics
        self._after_days = after_days
        self._today = today
        self._codec = best_codec() if codec is None else codec

    async def run(self) -> None:
        """Compact all days that are old enough, then join what that allows. Running it again changes nothing.

        A day that cannot be compacted does not keep the others from it. Raises CompactionError where there was one.
        """
        horizon = self._today() - timedelta(days=self._after_days)
        failed = 0
        for day in sorted(await self._partitions.days()):
            if day < horizon:
                failed += not await self._succeeds(self._compact_patiently(day), day=str(day))
        for series_id, span_start in await self._segments.unmerged(horizon):
            work = self._join_span(series_id, span_start)
            failed += not await self._succeeds(work, series_id=series_id, span_start=str(span_start))
        if failed:
            raise CompactionError(f"{failed} parts of the compaction failed; the log names them")

    async def _succeeds(self, work: Coroutine[Any, Any, None], **what: object) -> bool:
        try:
            await work
        except (CodecError, CompactionError) as error:
            log.error("compaction_failed", reason=str(error), **what)
            return False
        return True

    async def _compact_patiently(self, day: date) -> None:
        try:
            count = await self._compact(day)
        except asyncpg.LockNotAvailableError:
            log.info("compaction_postponed", day=str(day), reason="the day is being written or read")
            return
        if count is not None:
            dropped = await self._partitions.drop_if_empty(day)
            log.info("day_compacted", day=str(day), samples=count, dropped=dropped)

    async def _compact(self, day: date) -> int | None:
        """Move one day and return the number of its samples; None where another core is at work."""
        async with self._database.acquire() as connection, connection.transaction():
            if not await connection.fetchval(statement("compaction_lock")):
                return None
            await connection.execute(statement("lock_timeout"))
            if not await self._partitions.claim(connection, day):
                return None
            counts = await self._partitions.counts(connection, day)
            for first_series, last_series in _groups(counts):
                await self._compact_group(connection, day, first_series, last_series, counts)
            if counts:
                await self._partitions.empty(connection, day)
        total = sum(counts.values())
        self._metrics.samples_compacted.inc(total)
        return total

    async def _compact_group(
        self, connection: Any, day: date, first_series: int, last_series: int, counts: Mapping[int, int]
    ) -> None:
        batch = SampleBatch.from_binary_copy(await self._partitions.rows(connection, day, first_series, last_series))
        hot = dict(_by_series(batch))
        expected = {number: count for number, count in counts.items() if first_series <= number <= last_series}
        if {series_id: len(columns.ts_us) for series_id, columns in hot.items()} != expected:
            raise CompactionError(f"{day}: the rows that were read are not those that were counted")
        stored = await self._segments.of_day(connection, day, first_series, last_series)
        older: dict[int, Columns] = {}
        for series_id in stored.keys() & hot.keys():
            for columns in await self._segments.unpack([stored[series_id]]):
                older[series_id] = columns

        def pack() -> list[Segment]:
            return [
                self._packed(day, series_id, columns, stored.get(series_id), older.get(series_id, EMPTY))
                for series_id, columns in hot.items()
            ]

        segments = await asyncio.to_thread(pack)
        await self._segments.write(connection, segments)

    def _packed(self, day: date, series_id: int, new: Columns, stored: Segment | None, older: Columns) -> Segment:
        return Segment.of(
            series_id,
            stored.first_day if stored else day,
            stored.last_day if stored else day,
            join(new, older),
            codec=self._codec,
            merged=stored.merged if stored else False,
        )

    async def _join_span(self, series_id: int, span_start: date) -> None:
        """Make longer segments of one series' short ones in a span of days."""
        async with self._database.acquire() as connection, connection.transaction():
            if not await connection.fetchval(statement("compaction_lock")):
                return
            segments = await self._segments.of_span(connection, series_id, span_start)
            joined: list[Segment] = []
            for run in _runs(segments):
                pieces = await self._segments.unpack(run)
                if pieces:
                    joined.append(await asyncio.to_thread(self._joined, run, chain(pieces)))
            await self._segments.delete(connection, series_id, [segment.first_day for segment in segments])
            await self._segments.write(connection, joined)

    def _joined(self, run: list[Segment], columns: Columns) -> Segment:
        ends = run[0].first_day, run[-1].last_day
        return Segment.of(run[0].series_id, *ends, columns, codec=self._codec, merged=True)


def _groups(counts: Mapping[int, int]) -> Iterator[tuple[int, int]]:
    """Yield ranges of series, both ends included, that together have about GROUP_SAMPLES samples or are one series."""
    first: int | None = None
    last = total = 0
    for series_id, count in sorted(counts.items()):
        if first is not None and total + count > GROUP_SAMPLES:
            yield first, last
            first, total = None, 0
        first = series_id if first is None else first
        last = series_id
        total += count
    if first is not None:
        yield first, last


def _runs(segments: list[Segment]) -> list[list[Segment]]:
    """Divide segments that follow each other into runs of at most JOINED_SAMPLES samples, or of one segment."""
    runs: list[list[Segment]] = []
    total = 0
    for segment in segments:
        if not runs or total + segment.count > JOINED_SAMPLES:
            runs.append([])
            total = 0
        runs[-1].append(segment)
        total += segment.count
    return runs


def _by_series(batch: SampleBatch) -> Iterator[tuple[int, Columns]]:
    """Yield the samples of each series by time."""
    if not len(batch):
        return
    order = np.lexsort((batch.ts_us, batch.series_ids))
    series_ids, ts_us, values = batch.series_ids[order], batch.ts_us[order], batch.values[order]
    starts = np.flatnonzero(np.diff(series_ids, prepend=series_ids[0] - 1))
    for begin, end in zip(starts, [*starts[1:], len(series_ids)], strict=True):
        yield int(series_ids[begin]), Columns(ts_us[begin:end], values[begin:end])
