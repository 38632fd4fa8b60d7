"""Times are read in their format and their zone; the hours a clock repeats or leaves out are told apart."""

import zoneinfo
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aetherlens.collector.csv_import.times import TimeParser, check_format, needs_zone
from aetherlens.collector.csv_import.zones import NONEXISTENT, UNPARSABLE, Order, parse_zone
from aetherlens.lib.clock import from_us, to_us

PLAIN = "%Y-%m-%d %H:%M:%S"


def parse(texts: Sequence[str], time_format: str = PLAIN, zone: str = "Europe/Paris") -> list[str]:
    times, _ = TimeParser(time_format, zone).parse(texts, Order())
    return [told(int(time)) for time in times]


def told(time: int) -> str:
    if time in {UNPARSABLE, NONEXISTENT}:
        return "unparsable" if time == UNPARSABLE else "nonexistent"
    return from_us(time).isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize(
    ("text", "time_format", "zone", "utc"),
    [
        ("2007-03-01 00:00:00", PLAIN, "+01:00", "2007-02-28T23:00:00Z"),
        ("2007-03-01 00:00:00", PLAIN, "-0530", "2007-03-01T05:30:00Z"),
        ("2007-07-01 00:00:00", PLAIN, "Europe/Paris", "2007-06-30T22:00:00Z"),
        ("16/12/2006 17:24:00", "%d/%m/%Y %H:%M:%S", "+01:00", "2006-12-16T16:24:00Z"),
        ("1/2/2007 3:04", "%d/%m/%Y %H:%M", "+00:00", "2007-02-01T03:04:00Z"),
        ("03/01/2007 11:30 PM", "%m/%d/%Y %I:%M %p", "+00:00", "2007-03-01T23:30:00Z"),
        ("Mar 01 2007 23:30", "%b %d %Y %H:%M", "+00:00", "2007-03-01T23:30:00Z"),
        ("23:30 01.03.2007", "%H:%M %d.%m.%Y", "+00:00", "2007-03-01T23:30:00Z"),
        ("20070301", "%Y%m%d", "+01:00", "2007-02-28T23:00:00Z"),
        ("2007-03-01 00:00:00.25 -0100", "%Y-%m-%d %H:%M:%S.%f %z", "", "2007-03-01T01:00:00.250000Z"),
        ("2007-03-01 00:00:00-0100", "%Y-%m-%d %H:%M:%S%z", "", "2007-03-01T01:00:00Z"),
        ("2007-03-01T00:00:00", "iso", "+01:00", "2007-02-28T23:00:00Z"),
        ("2007-03-01T00:00:00+05:30", "iso", "+01:00", "2007-02-28T18:30:00Z"),
        ("2007-03-01T00:00:00.123456Z", "iso", "+01:00", "2007-03-01T00:00:00.123456Z"),
        ("2007-07-01", "iso", "Europe/Paris", "2007-06-30T22:00:00Z"),
        ("1172703600", "unix", "", "2007-02-28T23:00:00Z"),
        ("1172703600.5", "unix", "", "2007-02-28T23:00:00.500000Z"),
        ("2007-03-01  00:00:00", PLAIN, "+01:00", "2007-02-28T23:00:00Z"),
    ],
)
def test_a_time_is_read(text: str, time_format: str, zone: str, utc: str) -> None:
    check_format(time_format)
    assert parse([text], time_format, zone) == [utc]


@pytest.mark.parametrize("time_format", [PLAIN, "iso", "unix", "%Y-%m-%dT%H:%M:%S"])
@pytest.mark.parametrize(
    "text", ["", "?", "2007-02-30 00:00:00", "2007-03-01 25:00:00", "yesterday", "\0", "9" * 40, "1e9", "٢٠٠٧-03-01"]
)
def test_what_is_no_time_is_unparsable(text: str, time_format: str) -> None:
    assert parse([text], time_format) == ["unparsable"]


def test_one_bad_time_leaves_its_neighbours_alone() -> None:
    texts = ["2007-07-01 00:00:00", "x", "2007-07-01 00:01:00"]
    assert parse(texts) == ["2007-06-30T22:00:00Z", "unparsable", "2007-06-30T22:01:00Z"]


def test_the_hour_that_spring_leaves_out_does_not_exist() -> None:
    texts = [f"2026-03-29 {clock}" for clock in ("01:59:59", "02:00:00", "02:30:00", "02:59:59", "03:00:00")]
    assert parse(texts) == ["2026-03-29T00:59:59Z", *["nonexistent"] * 3, "2026-03-29T01:00:00Z"]


def test_the_hour_that_autumn_repeats_is_told_by_the_order() -> None:
    texts = [f"2026-10-25 {clock}:00" for clock in ("01:30", "02:00", "02:30", "02:00", "02:30", "03:00")]
    times = ["23:30", "00:00", "00:30", "01:00", "01:30", "02:00"]
    expected = [f"2026-10-2{4 if time == '23:30' else 5}T{time}:00Z" for time in times]
    assert parse(texts) == expected
    assert parse(texts[::-1]) == expected[::-1]


def test_the_repeated_hour_is_told_across_batches() -> None:
    parser = TimeParser(PLAIN, "Europe/Paris")
    order, utc = Order(), []
    for clock in ("01:30", "02:00", "02:30", "02:00", "02:30", "03:00"):
        times, order = parser.parse([f"2026-10-25 {clock}:00"], order)
        utc.append(told(int(times[0]))[11:16])
    assert utc == ["23:30", "00:00", "00:30", "01:00", "01:30", "02:00"]


def test_an_hourly_file_names_the_repeated_hour_twice() -> None:
    texts = [f"2026-10-25 {hour}:00:00" for hour in ("01", "02", "02", "03")]
    assert [time[11:13] for time in parse(texts)] == ["23", "00", "01", "02"]


def test_where_nothing_tells_the_first_pass_is_taken() -> None:
    assert parse(["2026-10-25 02:30:00"]) == ["2026-10-25T00:30:00Z"]


def test_a_clock_that_changes_at_a_minute_past_is_followed() -> None:
    # St. John's went to summer time at 00:01 on 2007-03-11.
    texts = [f"2007-03-11 {clock}" for clock in ("00:00:00", "00:01:00", "01:00:59", "01:01:00")]
    assert parse(texts, zone="America/St_Johns") == [
        "2007-03-11T03:30:00Z",
        "nonexistent",
        "nonexistent",
        "2007-03-11T03:31:00Z",
    ]


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Chatham"]),
    st.sampled_from([timedelta(minutes=15), timedelta(minutes=30)]),
    st.integers(min_value=2, max_value=5000),
    st.booleans(),
)
def test_a_year_of_local_times_comes_back_as_it_went(zone: str, step: timedelta, batch: int, reverse: bool) -> None:
    """In either direction and cut into any batches, both changes of a year included."""
    windows = [(datetime(2025, 3, 1, tzinfo=UTC), 45), (datetime(2025, 9, 20, tzinfo=UTC), 50)]
    moments = [start + number * step for start, days in windows for number in range(timedelta(days=days) // step)]
    moments.sort(reverse=reverse)
    texts = [f"{moment.astimezone(zoneinfo.ZoneInfo(zone)):{PLAIN}}" for moment in moments]
    parser, order, times = TimeParser(PLAIN, zone), Order(), list[int]()
    for start in range(0, len(texts), batch):
        some, order = parser.parse(texts[start : start + batch], order)
        times += some.tolist()
    assert times == [to_us(moment) for moment in moments]


@pytest.mark.parametrize(
    ("time_format", "hint"),
    [
        ("ISO", "neither iso nor unix"),
        ("%d.%m. %H:%M", "no year"),
        ("%Y-%m %H:%M", "a day"),
        ("%Y-%d %H:%M", "a month"),
        ("%Y-%m-%d %I:%M", "%p"),
        ("%Y-%m-%d %Q", "no strptime format"),
        ("%Y-%m-%d %-H", "no strptime format"),
        ("%Y-%m-%d %H:%M %Z", "zone"),
    ],
)
def test_a_format_that_cannot_work_is_refused(time_format: str, hint: str) -> None:
    with pytest.raises(ValueError, match=hint):
        check_format(time_format)


def test_a_zone_that_does_not_exist_is_refused_with_a_hint() -> None:
    with pytest.raises(ValueError, match=r"did you mean Europe/Paris\?"):
        parse_zone("Europe/Pariss")
    for text in ("../etc/passwd", "25:00", "+1", "x\0y"):
        with pytest.raises(ValueError, match="no time zone"):
            parse_zone(text)


def test_only_times_that_tell_their_offset_need_no_zone() -> None:
    assert needs_zone("iso")
    assert needs_zone(PLAIN)
    assert not needs_zone("unix")
    assert not needs_zone("%Y-%m-%d %H:%M:%S%z")
