"""Numbers and times read as the design says."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from aetherlens_web import format as formats

NOW = datetime(2026, 6, 17, 12, 40, tzinfo=UTC)


@pytest.mark.parametrize(
    ("watts", "text"),
    [
        (0, "0\u202fW"),
        (-0.3, "0\u202fW"),
        (212.5, "213\u202fW"),
        (999.4, "999\u202fW"),
        (999.5, "1.00\u202fkW"),
        (1840, "1.84\u202fkW"),
        (9994, "9.99\u202fkW"),
        (9996, "10.0\u202fkW"),
        (12345, "12.3\u202fkW"),
        (-412, "\u2212412\u202fW"),
        (-3710, "\u22123.71\u202fkW"),
        (None, "\u2013"),
    ],
)
def test_power_is_watts_below_a_kilowatt_and_kilowatts_above(watts: float | None, text: str) -> None:
    assert str(formats.power(watts)) == text


@pytest.mark.parametrize(("watts", "text"), [(0, "0.00"), (-2, "0.00"), (-412, "\u22120.41"), (None, "\u2013")])
def test_a_table_holds_bare_kilowatts(watts: float | None, text: str) -> None:
    assert formats.kilowatts(watts) == text


def test_percent_has_no_decimals() -> None:
    assert str(formats.percent(0.376)) == "38\u202f%"


@pytest.mark.parametrize(
    ("age", "text"),
    [
        (timedelta(seconds=-3), "0\u202fs ago"),
        (timedelta(seconds=59), "59\u202fs ago"),
        (timedelta(minutes=4), "4\u202fmin ago"),
        (timedelta(hours=2), "at 12:40"),
        (timedelta(days=2), "on 15 Jun at 14:40"),
    ],
)
def test_times_are_relative_up_to_an_hour_then_on_the_clock_of_the_home(age: timedelta, text: str) -> None:
    assert formats.ago(NOW - age, NOW, ZoneInfo("Europe/Paris")) == text


def test_a_reading_is_stale_after_a_minute() -> None:
    assert not formats.is_stale(NOW - timedelta(seconds=60), NOW)
    assert formats.is_stale(NOW - timedelta(seconds=61), NOW)
