"""Reading buckets: from the stored aggregates where these are settled, from the raw samples everywhere else."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from itertools import chain
from zoneinfo import ZoneInfo

import msgspec

from aetherlens.domain.aggregate import GAP_US, Quantity, aggregate
from aetherlens.domain.buckets import ceiling, edges, floor
from aetherlens.lib.clock import from_us, to_us
from aetherlens.storage.pool import Database
from aetherlens.storage.raw import FIRST_US, LAST_US, RawSamples
from aetherlens.storage.rollups import STEP_US, STORED, read_around, touched
from aetherlens.storage.series import Series
from aetherlens.storage.statements import statement

#: More notes than this are taken for one stretch: looking at each would cost more than computing it.
_MANY_NOTES = 16

#: A stretch of time, [start, end), in microseconds.
Span = tuple[int, int]


class Bucket(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a stretch of time comes to."""

    #: Start of the bucket; UTC.
    timestamp: datetime
    #: Mean of its samples; None where there are none, only energy.
    value: float | None
    min: float | None = None
    max: float | None = None
    #: Number of samples.
    count: int = 0
    #: Of power and of energy counters.
    energy_kwh: float | None = None


class AggregateHistory:
    """Reads buckets of one series. The answer is what the raw samples come to, however far the aggregates are."""

    def __init__(self, database: Database, raw: RawSamples, time_zone: str) -> None:
        """`time_zone` is the home's: hours and days follow its clock."""
        self._database = database
        self._raw = raw
        self._time_zone = time_zone
        self._zone = ZoneInfo(time_zone)

    async def buckets(self, series: Series, start: datetime, end: datetime, level: str) -> list[Bucket]:
        """Return every bucket that overlaps [start, end) and holds anything; `level` is a key of domain's LEVELS."""
        start_us, end_us = max(to_us(start), FIRST_US), min(to_us(end), LAST_US)
        if start_us >= end_us:
            return []
        begin, until = floor(level, start_us, self._zone), ceiling(level, end_us, self._zone)
        quantity = Quantity.of(series.metric_type)
        unsettled = [(begin, until)]
        stored: list[Bucket] = []
        if level in STORED:
            unsettled = _joined(begin, until, await self._unsettled(series.series_id, quantity, level))
            if unsettled != [(begin, until)]:
                stored = await self._stored(series.series_id, begin, until, level, unsettled)
        computed = [await self._computed(series.series_id, quantity, span, level) for span in unsettled]
        if not computed:
            return stored
        return sorted(chain(stored, *computed), key=lambda bucket: bucket.timestamp)

    async def _unsettled(self, series_id: int, quantity: Quantity, level: str) -> list[Span]:
        """Return where the stored aggregates are not, or not yet again, what the samples say."""
        rows = await self._database.fetch(statement("rollup_settled"), series_id)
        if rows[0]["watermark"] is None or rows[0]["time_zone"] != self._time_zone:
            return [(-(2**62), 2**62)]
        watermark = to_us(rows[0]["watermark"])
        # A sample that the watermark has not reached tells how long the one before it held.
        settled = watermark - GAP_US
        if quantity is Quantity.COUNTER:
            before = await self._raw.before(series_id, watermark)
            settled = watermark if before is None else before
        spans = [(floor(level, settled, self._zone), 2**62)]
        notes = [(to_us(row["first"]), to_us(row["last"])) for row in rows if row["first"] is not None]
        if len(notes) > _MANY_NOTES:
            notes = [(notes[0][0], max(last for _, last in notes))]
        for first, last in notes:
            low, high = await touched(self._raw, series_id, quantity, first, last)
            spans.append((floor(level, low, self._zone), ceiling(level, high, self._zone)))
        return spans

    async def _stored(
        self, series_id: int, begin: int, until: int, level: str, without: Sequence[Span]
    ) -> list[Bucket]:
        rows = await self._database.fetch(statement(f"rollup_read_{level}"), series_id, from_us(begin), from_us(until))
        buckets = [Bucket(*row) for row in rows]
        for low, high in without:
            start, end = from_us(low), from_us(high)
            buckets = [bucket for bucket in buckets if not start <= bucket.timestamp < end]
        return buckets

    async def _computed(self, series_id: int, quantity: Quantity, span: Span, level: str) -> list[Bucket]:
        low, high = await self._inhabited(series_id, quantity, span, level)
        buckets: list[Bucket] = []
        while low < high:
            bounds = edges(level, low, min(low + STEP_US, high), self._zone)
            samples = await read_around(self._raw, series_id, quantity, int(bounds[0]), int(bounds[-1]))
            found = await asyncio.to_thread(aggregate, *samples, bounds, quantity, GAP_US)
            columns = (found.bucket_us, found.avg, found.minimum, found.maximum, found.samples, found.energy_kwh)
            buckets += [
                Bucket(from_us(us), _number(avg), _number(least), _number(most), count, _number(energy))
                for us, avg, least, most, count, energy in zip(*(column.tolist() for column in columns), strict=True)
            ]
            low = int(bounds[-1])
        return buckets

    async def _inhabited(self, series_id: int, quantity: Quantity, span: Span, level: str) -> Span:
        """Cut from a long stretch what lies before all samples and after them."""
        low, high = span
        if high - low <= STEP_US:
            return span
        reach = 0 if quantity is Quantity.COUNTER else GAP_US
        if quantity is not Quantity.COUNTER or await self._raw.before(series_id, low) is None:
            first = await self._raw.after(series_id, low - reach)
            low = high if first is None else max(low, floor(level, first, self._zone))
        if quantity is not Quantity.COUNTER or await self._raw.after(series_id, high) is None:
            last = await self._raw.before(series_id, high + reach)
            high = low if last is None else min(high, ceiling(level, last + 1, self._zone))
        return low, high


def _number(value: float) -> float | None:
    return None if value != value else value  # NaN is the one number that is not itself


def _joined(begin: int, until: int, spans: Sequence[Span]) -> list[Span]:
    """Return the parts of [begin, until) that the spans cover, in order, each once."""
    joined: list[Span] = []
    for low, high in sorted((max(low, begin), min(high, until)) for low, high in spans):
        if low >= high:
            continue
        if joined and low <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(high, joined[-1][1]))
        else:
            joined.append((low, high))
    return joined
