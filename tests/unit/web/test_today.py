"""The home's day and its hours."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from aetherlens_web.models import History, Point
from aetherlens_web.today import day_of, hours

MIDNIGHT = datetime(2026, 6, 16, 22, tzinfo=UTC)


def history(values: Mapping[int, float]) -> History:
    points = tuple(Point(timestamp=MIDNIGHT + timedelta(hours=hour), value=value) for hour, value in values.items())
    return History(device_id="x", unit="W", points=points)


@pytest.mark.parametrize(
    ("moment", "zone", "start", "length_h"),
    [
        ("2026-06-17T12:40Z", "Europe/Paris", "2026-06-16T22:00Z", 24),
        ("2026-03-29T10:00Z", "Europe/Paris", "2026-03-28T23:00Z", 23),
        ("2026-10-25T10:00Z", "Europe/Paris", "2026-10-24T22:00Z", 25),
        ("2026-06-17T19:00Z", "Asia/Kathmandu", "2026-06-17T18:15Z", 24),
    ],
)
def test_a_day_goes_from_midnight_to_midnight_on_the_clock_of_the_home(
    moment: str, zone: str, start: str, length_h: int
) -> None:
    day = day_of(datetime.fromisoformat(moment), ZoneInfo(zone))
    begin, end = day.start.astimezone(UTC), day.end.astimezone(UTC)
    assert (begin, end - begin) == (datetime.fromisoformat(start), timedelta(hours=length_h))


def test_hours_add_up_the_devices_of_each_role() -> None:
    rows = hours([("solar", history({9: 1000})), ("solar", history({9: 500})), ("grid", history({9: -300}))])
    assert [(row.start, row.solar_w, row.grid_w, row.battery_w, row.home_w) for row in rows] == [
        (MIDNIGHT + timedelta(hours=9), 1500, -300, None, 1200)
    ]


def test_a_missing_reading_is_unknown_and_never_zero() -> None:
    rows = hours([("solar", history({9: 1000})), ("grid", history({8: 200, 9: 100}))])
    assert [(row.solar_w, row.grid_w, row.home_w) for row in rows] == [(None, 200, None), (1000, 100, 1100)]


def test_without_meters_the_hours_are_the_sum_of_the_devices() -> None:
    assert [row.home_w for row in hours([("load", history({1: 50})), (None, history({1: 20}))])] == [70]
