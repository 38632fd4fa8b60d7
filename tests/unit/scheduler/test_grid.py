"""Jobs run on a fixed grid in time, whatever happens to the clock."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aetherlens.lib.clock import SECOND_US, now_us
from aetherlens.scheduler.grid import Grid, Tick

HOUR_US = 3600 * SECOND_US
#: 2026-03-29T00:59:50Z, ten seconds before Europe's clocks go forward.
BEFORE_SUMMER_TIME_US = 1_774_745_990 * SECOND_US

names = st.text(min_size=1, max_size=20)
intervals_s = st.floats(1, 86_400)
times_us = st.integers(0, 4_000_000_000 * SECOND_US)


class Clock:
    """A wall clock that goes on by a millisecond each time it is read, and can be set."""

    def __init__(self, at_us: int) -> None:
        self.at_us = at_us

    def __call__(self) -> int:
        self.at_us += 1000
        return self.at_us


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that sleeping moves, so that hours pass at once."""
    clock = Clock(BEFORE_SUMMER_TIME_US)
    suspend = asyncio.sleep

    async def sleep(delay_s: float) -> None:
        clock.at_us += round(delay_s * SECOND_US)
        await suspend(0)

    monkeypatch.setattr("aetherlens.scheduler.grid.asyncio.sleep", sleep)
    return clock


def ticking(ticks: AsyncIterator[Tick]) -> "aclosing[AsyncGenerator[Tick, None]]":
    return aclosing(cast(AsyncGenerator[Tick, None], ticks))


@given(names, intervals_s, times_us)
def test_the_last_point_is_the_newest_that_is_not_after(name: str, interval_s: float, time_us: int) -> None:
    grid = Grid.for_job(name, interval_s)
    last_us = grid.last(time_us)
    assert last_us <= time_us < last_us + grid.interval_us
    assert (last_us - grid.phase_us) % grid.interval_us == 0
    assert grid.last(last_us) == last_us


@given(names, intervals_s)
def test_a_phase_is_whole_seconds_within_the_interval_and_always_the_same(name: str, interval_s: float) -> None:
    grid = Grid.for_job(name, interval_s)
    assert 0 <= grid.phase_us < grid.interval_us
    assert grid.phase_us % SECOND_US == 0
    assert Grid.for_job(name, interval_s) == grid


def test_phases_spread_jobs_over_the_interval() -> None:
    phases = {Grid.for_job(f"plugin_{number}", 60).phase_us for number in range(60)}
    assert len(phases) > 30


async def test_the_newest_point_comes_at_once_and_then_each_as_it_is_due(clock: Clock) -> None:
    grid = Grid(10 * SECOND_US, 3 * SECOND_US)
    first_us = grid.last(clock.at_us)
    async with ticking(grid.ticks(clock)) as ticks:
        seen = [await anext(ticks) for _ in range(1000)]
    # Summer time begins meanwhile: nothing of it is seen.
    assert seen == [Tick(first_us + number * 10 * SECOND_US, 0) for number in range(1000)]


async def test_no_tick_comes_before_its_time(clock: Clock) -> None:
    async with ticking(Grid(7 * SECOND_US, 0).ticks(clock)) as ticks:
        for _ in range(100):
            tick = await anext(ticks)
            assert tick.at_us <= clock.at_us < tick.at_us + SECOND_US * 8


async def test_late_points_are_passed_over_and_counted(clock: Clock) -> None:
    grid = Grid(10 * SECOND_US, 0)
    async with ticking(grid.ticks(clock)) as ticks:
        first = await anext(ticks)
        clock.at_us = first.at_us + 35 * SECOND_US  # the work took 35 s
        assert await anext(ticks) == Tick(first.at_us + 30 * SECOND_US, 2)
        assert await anext(ticks) == Tick(first.at_us + 40 * SECOND_US, 0)


async def test_work_that_ends_within_its_interval_misses_nothing(clock: Clock) -> None:
    grid = Grid(10 * SECOND_US, 0)
    async with ticking(grid.ticks(clock)) as ticks:
        first = await anext(ticks)
        clock.at_us = first.at_us + 9 * SECOND_US
        assert await anext(ticks) == Tick(first.at_us + 10 * SECOND_US, 0)


async def test_a_clock_that_is_set_back_goes_on_from_its_new_time(clock: Clock) -> None:
    grid = Grid(10 * SECOND_US, 0)
    async with ticking(grid.ticks(clock)) as ticks:
        await anext(ticks)
        clock.at_us -= HOUR_US
        expected_us = grid.last(clock.at_us)
        assert await anext(ticks) == Tick(expected_us, 0)
        assert await anext(ticks) == Tick(expected_us + 10 * SECOND_US, 0)


async def test_a_clock_that_is_set_forward_gives_one_tick_not_many(clock: Clock) -> None:
    grid = Grid(10 * SECOND_US, 0)
    async with ticking(grid.ticks(clock)) as ticks:
        first = await anext(ticks)
        clock.at_us += HOUR_US
        late = await anext(ticks)
        assert late.at_us == grid.last(clock.at_us)
        assert late.missed == (late.at_us - first.at_us) // grid.interval_us - 1
        assert await anext(ticks) == Tick(late.at_us + 10 * SECOND_US, 0)


async def test_a_long_sleep_is_cut_in_pieces_so_that_a_set_clock_is_noticed(clock: Clock) -> None:
    grid = Grid(24 * HOUR_US, 0)
    async with ticking(grid.ticks(clock)) as ticks:
        first = await anext(ticks)
        due = asyncio.ensure_future(anext(ticks))
        await asyncio.sleep(0)
        for _ in range(3):
            await asyncio.sleep(0)
        clock.at_us = first.at_us + 24 * HOUR_US  # set forward during the sleep
        async with asyncio.timeout(5):
            assert await due == Tick(first.at_us + 24 * HOUR_US, 0)


async def test_real_ticks_come_on_the_second() -> None:
    async with asyncio.timeout(10), ticking(Grid(SECOND_US // 5, 0).ticks()) as ticks:
        await anext(ticks)
        for _ in range(3):
            tick = await anext(ticks)
            assert tick.at_us % (SECOND_US // 5) == 0
            assert 0 <= now_us() - tick.at_us < 2 * SECOND_US
