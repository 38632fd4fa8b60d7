"""Segments: the samples of one series over one or several closed UTC days, compacted into one row.

A segment whose bytes are not what was written is put aside, counted and logged; it never answers a question.
"""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
import numpy as np

from aetherlens.lib.clock import from_us, to_us
from aetherlens.lib.logs import get_logger
from aetherlens.lib.metrics import Metrics
from aetherlens.storage.codec import Columns, CorruptSegmentError, decode, encode
from aetherlens.storage.pool import Database
from aetherlens.storage.statements import statement

log = get_logger(__name__)

#: Days that one segment covers at most; days are joined inside of spans of so many days, counted from 1970-01-01.
SPAN_DAYS = 16

#: Segments decoded at a time while a long answer streams out.
PAGE_SEGMENTS = 8

#: Fewer samples are decoded at once; more are decoded in a thread, so that nobody waits for them.
_INLINE_SAMPLES = 20_000

EMPTY = Columns(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float64))


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """One row."""

    series_id: int
    #: UTC days that its samples may lie in, both included.
    first_day: date
    last_day: date
    first_ts: datetime
    last_ts: datetime
    count: int
    #: Whether days have been joined as far as that pays.
    merged: bool
    data: bytes

    @classmethod
    def of(
        cls, series_id: int, first_day: date, last_day: date, columns: Columns, *, codec: int, merged: bool
    ) -> "Segment":
        """Pack samples, of which there is at least one, and see that they come back bit for bit."""
        data = encode(columns, codec)
        ts_us, values = decode(data)
        same = np.array_equal(ts_us, columns.ts_us)
        if not same or not np.array_equal(values.view(np.int64), columns.values.view(np.int64)):
            raise CorruptSegmentError(f"series {series_id} on {first_day} does not survive its packing")
        return cls(
            series_id=series_id,
            first_day=first_day,
            last_day=last_day,
            first_ts=from_us(int(columns.ts_us[0])),
            last_ts=from_us(int(columns.ts_us[-1])),
            count=len(columns.ts_us),
            merged=merged,
            data=data,
        )

    def columns(self) -> Columns:
        """Return the samples. Raises CorruptSegmentError, MissingCodecError."""
        columns = decode(self.data)
        ends = (to_us(self.first_ts), to_us(self.last_ts), self.count)
        if ends != (int(columns.ts_us[0]), int(columns.ts_us[-1]), len(columns.ts_us)):
            raise CorruptSegmentError("the row does not belong to its data")
        return columns


def join(newer: Columns, older: Columns) -> Columns:
    """Return both by time; of two samples with one time the newer stands."""
    if not len(older.ts_us):
        return newer
    if not len(newer.ts_us):
        return older
    ts_us, first = np.unique(np.concatenate((newer.ts_us, older.ts_us)), return_index=True)
    return Columns(ts_us, np.concatenate((newer.values, older.values))[first])


def chain(pieces: Sequence[Columns]) -> Columns:
    """Return pieces that follow each other as one."""
    if len(pieces) == 1:
        return pieces[0]
    if not pieces:
        return EMPTY
    return Columns(np.concatenate([one.ts_us for one in pieces]), np.concatenate([one.values for one in pieces]))


class SegmentStore:
    """Reads and writes segments."""

    def __init__(self, database: Database, metrics: Metrics) -> None:
        self._database = database
        self._metrics = metrics

    async def read(self, series_id: int, start: datetime, end: datetime) -> Columns:
        """Return the compacted samples of [start, end) by time. Raises MissingCodecError."""
        rows = await self._database.fetch(statement("segments_read"), series_id, start, end, SPAN_DAYS)
        columns = chain(await self.unpack([Segment(**dict(row)) for row in rows]))
        begin, stop = np.searchsorted(columns.ts_us, (to_us(start), to_us(end)))
        return Columns(columns.ts_us[begin:stop], columns.values[begin:stop])

    async def reach(self, series_id: int, start: datetime, end: datetime, segments: int) -> datetime | None:
        """Return the time of the last sample of so many segments from `start` on; None where there are fewer."""
        row = await self._database.fetchrow(statement("segments_reach"), series_id, start, end, SPAN_DAYS, segments)
        last: datetime | None = None if row is None else row["last_ts"]
        return last

    async def outermost(self, series_id: int, start: datetime, end: datetime, *, newest: bool) -> int | None:
        """Return the time of the newest or oldest compacted sample of [start, end), microseconds since 1970 UTC."""
        name = "segments_newest" if newest else "segments_oldest"
        while (row := await self._database.fetchrow(statement(name), series_id, start, end)) is not None:
            segment = Segment(**dict(row))
            for columns in await self.unpack([segment]):  # one that is corrupt makes way for its neighbour
                begin, stop = np.searchsorted(columns.ts_us, (to_us(start), to_us(end)))
                if begin < stop:
                    return int(columns.ts_us[stop - 1 if newest else begin])
                if newest:
                    end = segment.first_ts
                else:
                    start = segment.last_ts + timedelta(microseconds=1)
        return None

    async def latest(self, since: datetime) -> dict[int, Columns]:
        """Return the newest compacted sample since then, as columns of length one, by series."""
        newest: dict[int, Columns] = {}
        while True:
            rows = await self._database.fetch(statement("segments_latest"), since, SPAN_DAYS)
            segments = [segment for row in rows if (segment := Segment(**dict(row))).series_id not in newest]
            if not segments:
                return newest
            for segment in segments:
                for columns in await self.unpack([segment]):  # one that is corrupt makes way for the one before it
                    newest[segment.series_id] = Columns(columns.ts_us[-1:], columns.values[-1:])

    async def days(self) -> set[date]:
        """Return the UTC days that segments cover."""
        return {row["day"] for row in await self._database.fetch(statement("segments_days"))}

    async def drop(self, day: date) -> None:
        """Drop the segments that end with this day; earlier days are dropped before later ones."""
        await self._database.execute(statement("segments_drop"), day)

    async def of_day(self, connection: Any, day: date, first_series: int, last_series: int) -> dict[int, Segment]:
        """Return the segments that cover a day, by series; both series included."""
        rows = await connection.fetch(statement("segments_of_day"), first_series, last_series, day, SPAN_DAYS)
        return {row["series_id"]: Segment(**dict(row)) for row in rows}

    async def unmerged(self, before: date) -> list[tuple[int, date]]:
        """Return series and first day of the spans that end before a day and have segments to join."""
        rows = await self._database.fetch(statement("segments_unmerged"), SPAN_DAYS, before)
        return [(row["series_id"], row["span_start"]) for row in rows]

    async def of_span(self, connection: Any, series_id: int, span_start: date) -> list[Segment]:
        """Return the segments of one series in the span that begins on a day, by time."""
        rows = await connection.fetch(statement("segments_span"), series_id, span_start, SPAN_DAYS)
        return [Segment(**dict(row)) for row in rows]

    async def write(self, connection: Any, segments: Sequence[Segment]) -> None:
        """Write segments; one of the same series and first day is replaced."""
        fields = ("series_id", "first_day", "last_day", "first_ts", "last_ts", "count", "merged", "data")
        columns = [[getattr(segment, field) for segment in segments] for field in fields]
        await connection.execute(statement("segments_write"), *columns)

    async def delete(self, connection: Any, series_id: int, first_days: Iterable[date]) -> None:
        """Delete segments of one series."""
        await connection.execute(statement("segments_delete"), series_id, list(first_days))

    async def unpack(self, segments: Sequence[Segment]) -> list[Columns]:
        """Return the samples of each segment but the corrupt, which are put aside. Raises MissingCodecError."""
        if sum(segment.count for segment in segments) < _INLINE_SAMPLES:
            results = _unpack(segments)
        else:
            results = await asyncio.to_thread(_unpack, segments)
        good = []
        for segment, result in zip(segments, results, strict=True):
            if isinstance(result, CorruptSegmentError):
                await self._quarantine(segment, str(result))
            else:
                good.append(result)
        return good

    async def _quarantine(self, segment: Segment, reason: str) -> None:
        moved = await self._database.fetchrow(
            statement("segment_quarantine"), segment.series_id, segment.first_day, segment.data, reason
        )
        if moved is None:  # somebody else was faster
            return
        self._metrics.segments_quarantined.inc()
        log.error(
            "segment_quarantined", series_id=segment.series_id, first_day=str(segment.first_day),
            last_day=str(segment.last_day), samples=segment.count, reason=reason,
        )  # fmt: skip


def _unpack(segments: Sequence[Segment]) -> list[Columns | CorruptSegmentError]:
    results: list[Columns | CorruptSegmentError] = []
    for segment in segments:
        try:
            results.append(segment.columns())
        except CorruptSegmentError as error:
            results.append(error)
    return results
