"""Keeps the aggregates: closes what time has passed, and computes again what was changed since.

The watermark divides time. Samples older than it are in the aggregates or noted as dirty, in the transaction that wrote
them; younger ones are nobody's business yet. A run moves the watermark on, which notes the stretch it passes, and then
computes what is noted. Both are transactions of their own, so that a run may end anywhere, also by a power cut.
"""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime
from time import monotonic
from typing import Any
from zoneinfo import ZoneInfo

from aetherlens.domain.aggregate import GAP_US, Aggregates, Quantity, aggregate
from aetherlens.domain.buckets import LEVELS, Times, edges, floor
from aetherlens.lib.clock import DAY_US, EPOCH, SECOND_US, from_us, now_us, to_us
from aetherlens.lib.logs import get_logger
from aetherlens.storage.pool import Database
from aetherlens.storage.raw import FIRST_US, RawSamples, Samples
from aetherlens.storage.statements import statement

log = get_logger(__name__)

#: Levels that are stored, finest first.
STORED = ("15m", "1h", "1d")

#: A quarter hour is closed so long after its end: most of its samples are stored by then, and none is noted one by one.
LAG_US = 30 * SECOND_US
#: How long one run works at most, in seconds; what is left waits for the next.
BUDGET_S = 30.0
#: Days computed at once: samples of every second need about 60 MB.
STEP_US = 7 * DAY_US


class Rollups:
    """Computes the aggregates of all series. One process at a time."""

    def __init__(self, database: Database, raw: RawSamples, time_zone: str) -> None:
        """`time_zone` is the home's: hours and days follow its clock."""
        self._database = database
        self._raw = raw
        self._time_zone = time_zone
        self._zone = ZoneInfo(time_zone)

    async def run(self, now: datetime | None = None) -> None:
        """Bring the aggregates up to `now`, as far as the time for one run goes."""
        target = floor("15m", (now_us() if now is None else to_us(now)) - LAG_US, self._zone)
        deadline = monotonic() + BUDGET_S
        watermark = await self._begin(target)
        while watermark is not None and monotonic() < deadline:
            moved = watermark < target
            if moved:
                watermark = await self._advance(watermark, target)
            if not await self._recompute(watermark) and not moved:
                return

    async def _begin(self, target: int) -> int | None:
        """Return the watermark; set it before all samples at the first run and when the home's zone has changed."""
        state = await self._database.fetchrow(statement("rollup_state"))
        if state["watermark"] is not None and state["time_zone"] == self._time_zone:
            return to_us(state["watermark"])
        async with self._database.acquire() as connection, connection.transaction():
            await connection.execute(statement("rollup_lock"))
            oldest = await self._raw.oldest(connection)
            if oldest is None and state["watermark"] is None:
                return None
            watermark = target if oldest is None else min(floor("15m", oldest, self._zone), target)
            if state["watermark"] is not None:
                # Hours and days of the old zone that reach into the samples would stand beside the new ones.
                for level in ("1h", "1d"):
                    await connection.execute(
                        statement(f"rollup_forget_{level}"), from_us(watermark - 2 * LEVELS[level])
                    )
            await connection.execute(statement("rollup_advance"), from_us(watermark), self._time_zone)
        log.info("rollups_begin", since=from_us(watermark).isoformat(), time_zone=self._time_zone)
        return watermark

    async def _advance(self, watermark: int, target: int) -> int:
        """Move the watermark to `target`, at most to the end of a UTC day, and note what it has passed."""
        reached = min(target, (watermark // DAY_US + 1) * DAY_US)
        begins = watermark
        for level in ("1h", "1d"):
            bucket = edges(level, watermark, watermark + 1, self._zone)
            if bucket[1] <= reached:
                begins = min(begins, int(bucket[0]))
        async with self._database.acquire() as connection, connection.transaction():
            await connection.execute(statement("rollup_lock"))
            passed = await self._raw.series_within(connection, begins, reached)
            await connection.execute(
                statement("rollup_mark"),
                passed,
                [from_us(watermark)] * len(passed),
                [from_us(reached - 1)] * len(passed),
            )
            await connection.execute(statement("rollup_advance"), from_us(reached), self._time_zone)
        return reached

    async def _recompute(self, watermark: int) -> bool:
        """Compute one series' notes of a week, the newest first; return whether there was one."""
        notes = await self._database.fetch(statement("rollup_dirty_next"))
        if not notes:
            return False
        series_id, quantity = notes[0]["series_id"], Quantity.of(notes[0]["metric_type"])
        start, end = await touched(
            self._raw, series_id, quantity,
            min(to_us(note["first"]) for note in notes), max(to_us(note["last"]) for note in notes),
        )  # fmt: skip
        end = min(end, watermark)
        for step in range(start, end, STEP_US):
            await self._store(series_id, quantity, step, min(step + STEP_US, end), watermark)
        await self._database.execute(
            statement("rollup_dirty_done"),
            series_id, [note["day"] for note in notes], [note["revision"] for note in notes],
        )  # fmt: skip
        return True

    async def _dropped_until(self, end: int) -> int:
        """Return the end of the newest day up to `end` whose samples are gone: older buckets stay as they are."""
        row = await self._database.fetchrow(statement("dropped_days_until"), from_us(end).date())
        return FIRST_US if row["day"] is None else ((row["day"] - EPOCH.date()).days + 1) * DAY_US

    async def _store(self, series_id: int, quantity: Quantity, start: int, end: int, watermark: int) -> None:
        """Compute every closed bucket that overlaps [start, end), in one transaction."""
        bounds = {level: edges(level, start, end, self._zone) for level in STORED}
        floor_us = await self._dropped_until(end)
        closed = {level: found[(found <= watermark) & (found >= floor_us)] for level, found in bounds.items()}
        closed = {level: found for level, found in closed.items() if len(found) > 1}
        if not closed:
            return
        samples = await read_around(
            self._raw, series_id, quantity,
            min(int(found[0]) for found in closed.values()), max(int(found[-1]) for found in closed.values()),
        )  # fmt: skip
        computed = await asyncio.to_thread(_compute, samples, closed, quantity)
        async with self._database.acquire() as connection, connection.transaction():
            for level, found in computed.items():
                await connection.execute(
                    statement(f"rollup_store_{level}"),
                    series_id, from_us(int(closed[level][0])), from_us(int(closed[level][-1])), *_columns(found),
                )  # fmt: skip


def _compute(samples: Samples, bounds: dict[str, Times], quantity: Quantity) -> dict[str, Aggregates]:
    return {level: aggregate(*samples, found, quantity, GAP_US) for level, found in bounds.items()}


def _columns(found: Aggregates) -> Iterator[Sequence[Any]]:
    yield [from_us(us) for us in found.bucket_us.tolist()]
    for column in found[1:]:
        yield column.tolist()


async def touched(raw: RawSamples, series_id: int, quantity: Quantity, first_us: int, last_us: int) -> tuple[int, int]:
    """Return the stretch [start, end) whose integrals depend on samples from first to last: up to their neighbours."""
    if quantity is not Quantity.COUNTER:
        return first_us - GAP_US, last_us + GAP_US
    before, after = await raw.before(series_id, first_us), await raw.after(series_id, last_us + 1)
    return first_us if before is None else before, last_us + 1 if after is None else after


async def read_around(raw: RawSamples, series_id: int, quantity: Quantity, start_us: int, end_us: int) -> Samples:
    """Read [start, end) and, beside it, the neighbours that its integrals depend on."""
    if quantity is Quantity.COUNTER:
        before, after = await raw.before(series_id, start_us), await raw.after(series_id, end_us)
        return await raw.read(series_id, start_us if before is None else before, end_us if after is None else after + 1)
    return await raw.read(series_id, start_us - GAP_US, end_us + GAP_US + 1)
