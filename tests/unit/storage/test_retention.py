"""Which days are dropped: those that are old by the clock and by the days lived through since."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aetherlens.storage.retention import Level, Retention, expired

TODAY = date(2026, 6, 21)


def back(*days: int) -> list[date]:
    """Return the days that lie so many before today."""
    return [TODAY - timedelta(days=number) for number in days]


def test_days_older_than_they_are_kept_go() -> None:
    assert expired(back(*range(100)), TODAY, 90) == back(99, 98, 97, 96, 95, 94, 93, 92, 91)


def test_todays_and_later_days_stay() -> None:
    assert expired(back(0, -1, -2, -4000), TODAY, 1) == []


def test_a_clock_that_jumps_ahead_drops_one_day_for_each_day_it_runs() -> None:
    lived = back(*range(90))
    far = date(2035, 1, 1)
    assert expired(lived, far, 90) == []
    assert expired([*lived, far], far, 90) == back(89)
    assert expired([*lived, far, far + timedelta(days=1)], far + timedelta(days=1), 90) == back(89, 88)


def test_a_home_that_was_off_for_long_keeps_what_it_had() -> None:
    assert expired(back(0, 400, 401), TODAY, 90) == []


@given(st.sets(st.dates(date(2020, 1, 1), date(2030, 1, 1))), st.integers(1, 100))
def test_as_many_days_as_are_kept_stay_whatever_the_clock_says(days: set[date], keep_days: int) -> None:
    gone = expired(days, TODAY, keep_days)
    assert gone == sorted(gone)
    assert all(TODAY - day > timedelta(days=keep_days) for day in gone)
    assert not gone or len([day for day in days if max(gone) < day <= TODAY]) >= keep_days


class Table:
    """Days in memory; one of them cannot be dropped."""

    def __init__(self, days: set[date], stuck: date | None = None) -> None:
        self.held = days
        self._stuck = stuck

    async def days(self) -> set[date]:
        return set(self.held)

    async def drop(self, day: date) -> bool:
        if day == self._stuck:
            raise OSError("in use")
        self.held.remove(day)
        return True


async def test_each_level_has_its_own_time() -> None:
    old = datetime.now(UTC).date() - timedelta(days=20)
    days = {old + timedelta(days=number) for number in range(20)}
    short, long = Table(set(days)), Table(set(days))
    levels = [Level(name="short", table=short, keep_days=5), Level(name="long", table=long, keep_days=50)]
    await Retention(levels).run()
    assert (len(short.held), len(long.held)) == (5, 20)


async def test_oldest_days_go_first() -> None:
    old = datetime.now(UTC).date() - timedelta(days=20)
    table = Table({old + timedelta(days=number) for number in range(20)}, stuck=old + timedelta(days=2))
    with pytest.raises(OSError, match="in use"):
        await Retention([Level(name="raw", table=table, keep_days=5)]).run()
    assert min(table.held) == old + timedelta(days=2)
