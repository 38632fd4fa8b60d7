"""Reading back: history, current values, and errors that name what is wrong."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from integration.api.helpers import Core, ago, metric, problem

DAY = {"start": "2026-03-01T00:00:00Z", "end": "2026-03-02T00:00:00Z"}


@pytest.fixture(scope="module")
def meter(core: Core) -> str:
    """A device with a sample a minute for two hours."""
    start = datetime(2026, 3, 1, tzinfo=UTC)
    times = [(start + timedelta(minutes=minute)).isoformat() for minute in range(120)]
    assert core.post(*(metric("meter", value=float(n), timestamp=time) for n, time in enumerate(times))).status == 201
    return "meter"


def history(core: Core, device_id: str, **parameters: str) -> Any:
    query = "&".join(f"{name}={value}" for name, value in parameters.items())
    return core.request("GET", f"/api/v1/metrics/history?device_id={device_id}&metric_type=power&{query}")


def test_raw_history_is_what_was_sent_by_time(core: Core, meter: str) -> None:
    body = history(core, meter, **DAY).json()
    assert (body["device_id"], body["metric_type"], body["unit"], body["resolution"]) == (meter, "power", "W", "raw")
    assert (body["start"], body["end"]) == (DAY["start"], DAY["end"])
    assert [point["value"] for point in body["points"]] == [float(n) for n in range(120)]
    assert body["points"][0] == {"timestamp": "2026-03-01T00:00:00Z", "value": 0.0}


def test_the_start_is_included_and_the_end_is_not(core: Core, meter: str) -> None:
    points = core.points(meter, start="2026-03-01T00:10:00Z", end="2026-03-01T00:12:00Z")
    assert [point["value"] for point in points] == [10.0, 11.0]


@pytest.mark.parametrize(
    ("resolution", "buckets", "first"),
    [
        ("1m", 120, {"value": 0.0, "min": 0.0, "max": 0.0, "count": 1}),
        ("5m", 24, {"value": 2.0, "min": 0.0, "max": 4.0, "count": 5}),
        ("15m", 8, {"value": 7.0, "min": 0.0, "max": 14.0, "count": 15}),
        ("1h", 2, {"value": 29.5, "min": 0.0, "max": 59.0, "count": 60}),
    ],
)
def test_coarser_resolutions_hold_mean_extremes_and_count(
    core: Core, meter: str, resolution: str, buckets: int, first: dict[str, float]
) -> None:
    points = core.points(meter, **DAY, resolution=resolution)
    assert len(points) == buckets
    assert points[0].pop("energy_kwh") >= 0
    assert points[0] == {"timestamp": "2026-03-01T00:00:00Z", **first}


def test_days_cover_all_samples(core: Core, meter: str) -> None:
    points = core.points(meter, start="2026-02-25T00:00:00Z", end="2026-03-05T00:00:00Z", resolution="1d")
    assert sum(point["count"] for point in points) == 120


@pytest.mark.parametrize("zone", ["%2B01:00", "+01:00", " 01:00".replace(" ", "%20")])
def test_a_plus_that_was_not_escaped_is_understood(core: Core, meter: str, zone: str) -> None:
    points = core.points(meter, start=f"2026-03-01T01:10:00{zone}", end=f"2026-03-01T01:12:00{zone}")
    assert [point["value"] for point in points] == [10.0, 11.0]


def test_without_a_range_the_last_day_is_read(core: Core, device: str) -> None:
    core.post(*(metric(device, value=float(hours), timestamp=ago(hours=hours)) for hours in (1, 23, 25)))
    assert [point["value"] for point in core.points(device)] == [23.0, 1.0]


def test_an_empty_range_has_no_points(core: Core, meter: str) -> None:
    assert core.points(meter, start="2001-01-01T00:00:00Z", end="2001-01-02T00:00:00Z") == []
    assert core.points(meter, start="2001-01-01T00:00:00Z", end="2001-01-02T00:00:00Z", resolution="1h") == []


@pytest.mark.parametrize("resolution", ["raw", "1d"])
def test_the_whole_of_time_can_be_asked_for(core: Core, meter: str, resolution: str) -> None:
    everything = {"start": "0001-01-01T00:00:00Z", "end": "9999-12-31T23:59:59.999999Z"}
    assert core.points(meter, **everything, resolution=resolution)


@pytest.mark.parametrize("end", ["0001-01-01T00:00:00Z", "0001-01-01T12:00:00Z"])
def test_an_end_at_the_beginning_of_time_is_no_error_of_ours(core: Core, meter: str, end: str) -> None:
    assert history(core, meter, end=end).status in {200, 400}


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"start": DAY["end"], "end": DAY["start"]}, "start"),
        ({"start": DAY["start"], "end": DAY["start"]}, "start"),
        ({"start": "yesterday"}, "start"),
        ({"start": "2026-03-01"}, "start"),
        ({"start": "2026-03-01T00:00:00"}, "start"),
        ({"end": "2026-13-01T00:00:00Z"}, "end"),
        ({"end": "0001-01-01T00:00:00%2B14:00"}, "end"),
        ({"end": "9999-12-31T23:59:59-14:00"}, "end"),
        ({"end": "1700000000"}, "end"),
        ({"resolution": "2h"}, "resolution"),
        ({"resolution": "x" * 5000}, "resolution"),
        ({"start": "1900-01-01T00:00:00Z", "resolution": "1m"}, "resolution"),
        ({"from": DAY["start"]}, "from"),
    ],
)
def test_a_bad_parameter_is_told_by_its_name(core: Core, meter: str, parameters: dict[str, str], field: str) -> None:
    body = problem(history(core, meter, **parameters), 400, field)
    assert len(body["detail"]) < 200


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "device_id"),
        ("device_id=meter", "metric_type"),
        ("metric_type=power", "device_id"),
        ("device_id=&metric_type=power", "device_id"),
        ("device_id=%00&metric_type=power", "device_id"),
    ],
)
def test_a_missing_parameter_is_told(core: Core, query: str, field: str) -> None:
    problem(core.request("GET", f"/api/v1/metrics/history?{query}"), 400, field)


@pytest.mark.parametrize("device_id", ["nobody", "%ff", "%ED%A0%80", "%F0%9F%92%A1", "x" * 5000])
def test_an_unknown_series_is_not_found(core: Core, device_id: str) -> None:
    body = problem(history(core, device_id), 404, "device_id")
    assert "/api/v1/devices" in body["hint"]


def test_an_unknown_metric_of_a_known_device_is_not_found(core: Core, meter: str) -> None:
    problem(core.request("GET", f"/api/v1/metrics/history?device_id={meter}&metric_type=voltage"), 404, "device_id")


def current(core: Core, query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = core.get(f"/api/v1/metrics/current?{query}")["metrics"]
    return found


def test_the_current_value_is_the_newest_whatever_comes_late(core: Core, device: str) -> None:
    newest = ago(seconds=1)
    core.post(metric(device, value=5.0, timestamp=newest), metric(device, metric_type="voltage", value=230.0))
    core.post(metric(device, value=4.0, timestamp=ago(hours=1)))
    power, voltage = current(core, f"device_id={device}")
    assert (power["metric_type"], power["value"], power["unit"], power["timestamp"]) == ("power", 5.0, "W", newest)
    assert (power["device_name"], power["room"], power["role"]) == (device, None, None)
    assert voltage["value"] == 230.0


def test_filters_combine(core: Core, device: str) -> None:
    core.post(metric(device), metric(device, metric_type="voltage"), metric(f"{device}-b"))
    assert [one["metric_type"] for one in current(core, f"device_id={device}&metric_type=voltage")] == ["voltage"]
    assert {one["device_id"] for one in current(core, "metric_type=power")} >= {device, f"{device}-b"}
    assert current(core, "device_id=nobody") == []
    assert len(current(core, "")) >= 3


def test_an_unknown_filter_is_refused(core: Core) -> None:
    body = problem(core.request("GET", "/api/v1/metrics/current?device=x"), 400, "device")
    assert "device_id" in body["hint"]
