"""Buckets lie side by side on the home's clock."""

from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aetherlens.domain.buckets import LEVELS, ceiling, edges, floor
from aetherlens.lib.clock import from_us, to_us

ZONES = ["UTC", "Europe/Paris", "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns", "America/Sao_Paulo"]
MINUTE_US = 60_000_000
_times = st.integers(to_us(datetime(2000, 1, 1, tzinfo=UTC)), to_us(datetime(2040, 1, 1, tzinfo=UTC)))


def lengths(level: str, zone: str, start: str, end: str) -> list[int]:
    """Return the buckets' lengths in minutes."""
    bounds = edges(level, to_us(datetime.fromisoformat(start)), to_us(datetime.fromisoformat(end)), ZoneInfo(zone))
    return [int(after - before) // MINUTE_US for before, after in pairwise(bounds)]


@pytest.mark.parametrize(
    ("zone", "start", "end", "expected"),
    [
        ("Europe/Paris", "2026-03-28T23:00Z", "2026-03-29T22:00Z", 23),
        ("Europe/Paris", "2026-10-24T22:00Z", "2026-10-25T23:00Z", 25),
        ("Australia/Lord_Howe", "2026-04-04T13:00Z", "2026-04-05T13:30Z", 24.5),
        ("Australia/Lord_Howe", "2026-10-03T13:30Z", "2026-10-04T13:00Z", 23.5),
        ("Asia/Kathmandu", "2026-03-28T18:15Z", "2026-03-29T18:15Z", 24),
    ],
)
def test_a_day_is_the_homes_own(zone: str, start: str, end: str, expected: float) -> None:
    assert lengths("1d", zone, start, end) == [expected * 60]
    assert sum(lengths("1h", zone, start, end)) == expected * 60


def test_an_hour_begins_when_the_clock_shows_it() -> None:
    assert floor("1h", to_us(datetime(2026, 1, 1, 12, tzinfo=UTC)), ZoneInfo("Asia/Kathmandu")) == to_us(
        datetime(2026, 1, 1, 11, 15, tzinfo=UTC)
    )
    assert lengths("1h", "Australia/Lord_Howe", "2026-04-04T13:00Z", "2026-04-04T17:30Z") == [60, 90, 60, 60]
    assert set(lengths("1h", "Europe/Paris", "2026-10-24T22:00Z", "2026-10-25T23:00Z")) == {60}


@given(st.sampled_from(list(LEVELS)), st.sampled_from(ZONES), _times, st.integers(1, 40 * 86_400_000_000))
def test_buckets_cover_the_range_and_do_not_depend_on_it(level: str, name: str, start: int, length: int) -> None:
    zone, end = ZoneInfo(name), start + length
    bounds = edges(level, start, end, zone)
    assert bounds[0] <= start < bounds[1]
    assert bounds[-2] < end <= bounds[-1]
    assert (bounds[1:] > bounds[:-1]).all()
    assert floor(level, start, zone) == bounds[0]
    assert ceiling(level, end, zone) == bounds[-1]
    if level not in {"1m", "5m"}:
        assert not (bounds % LEVELS["15m"]).any()
    if level == "1d":
        local = [from_us(int(us)).astimezone(zone) for us in bounds]
        assert len({moment.date() for moment in local}) == len(local)
