"""The history as API clients ask for it, of a running product."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from product import Product, running

START = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A product with a day of two series, a sample a minute, and one spike."""
    with running(tmp_path_factory.mktemp("history") / "home", "--no-demo") as product:
        for device, level in (("a:1", 600.0), ("b", 60.0)):
            items = [
                {
                    "device_id": device, "metric_type": "power", "value": 9000.0 if minute == 777 else level,
                    "timestamp": (START + timedelta(minutes=minute)).isoformat(),
                }
                for minute in range(1440)
            ]  # fmt: skip
            assert product.request("POST", "/api/v1/metrics", items).status == 201
        yield product


def history(product: Product, **query: Any) -> Any:
    asked = {"start": START.isoformat(), "end": (START + timedelta(days=1)).isoformat()} | query
    return product.get("/api/v1/metrics/history?" + urlencode(asked, doseq=True))


def test_samples_are_the_default(product: Product) -> None:
    answer = history(product, device_id="b", metric_type="power")
    assert answer["resolution"] == "raw"
    assert len(answer["points"]) == 1440
    assert answer["points"][0] == {"timestamp": "2026-03-01T00:00:00Z", "value": 60.0}


@pytest.mark.parametrize(("resolution", "count"), [("1m", 1440), ("5m", 288), ("15m", 96), ("1h", 24)])
def test_buckets_have_mean_extremes_count_and_energy(product: Product, resolution: str, count: int) -> None:
    points = history(product, device_id="b", metric_type="power", resolution=resolution)["points"]
    assert len(points) == count
    per_point = 1440 // count
    energy = 0.06 / count * 24
    assert points[0] == {
        "timestamp": "2026-03-01T00:00:00Z", "value": 60.0, "min": 60.0, "max": 60.0, "count": per_point,
        "energy_kwh": pytest.approx(energy),
    }  # fmt: skip
    assert max(point["max"] for point in points) == 9000.0


def test_thinned_samples_keep_the_spike(product: Product) -> None:
    for resolution, most in (("raw", 100), ("auto", 1000)):
        answer = history(product, device_id="b", metric_type="power", resolution=resolution, max_points=most)
        assert answer["resolution"] == "raw"
        assert len(answer["points"]) <= most
        assert max(point["value"] for point in answer["points"]) == 9000.0


def test_auto_answers_a_long_range_with_few_points(product: Product) -> None:
    query = {"start": "2025-03-01T00:00:00Z", "resolution": "auto"}
    answer = history(product, device_id="b", metric_type="power", **query)
    assert answer["resolution"] == "1d"
    assert sum(point["count"] for point in answer["points"]) == 1440


def test_several_series_come_in_one_answer(product: Product) -> None:
    answer = history(product, series=["a:1:power", "b:power"], resolution="1h")
    assert [(one["device_id"], one["metric_type"], one["unit"]) for one in answer["series"]] == [
        ("a:1", "power", "W"),
        ("b", "power", "W"),
    ]
    assert [len(one["points"]) for one in answer["series"]] == [24, 24]
    assert answer["series"][0]["points"][0]["value"] == 600.0


def test_an_empty_range_is_an_empty_list(product: Product) -> None:
    query = {"start": "2025-01-01T00:00:00Z", "end": "2025-01-02T00:00:00Z"}
    for resolution in ("raw", "auto", "1h", "1d"):
        assert history(product, device_id="b", metric_type="power", resolution=resolution, **query)["points"] == []
    assert [one["points"] for one in history(product, series=["b:power"], **query)["series"]] == [[]]


@pytest.mark.parametrize("ask", [{"format": "csv"}, {}])
def test_csv_by_parameter_or_by_header(product: Product, ask: dict[str, str]) -> None:
    query = {"series": ["a:1:power", "b:power"], "start": START.isoformat(), "end": "2026-03-02T00:00:00Z"} | ask
    path = "/api/v1/metrics/history?" + urlencode({**query, "resolution": "1h"}, doseq=True)
    answer = product.request("GET", path, headers={} if ask else {"accept": "text/csv"})
    lines = answer.body.decode().splitlines()
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert lines[0] == "time,device_id,metric_type,unit,value,min,max,count,energy_kwh"
    assert lines[1].startswith("2026-03-01T00:00:00Z,a:1,power,W,600.0,600.0,600.0,60,0.6")
    assert len(lines) == 49


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("series=b", "series"),
        ("series=:power", "series"),
        ("series=b:power&device_id=b", "series"),
        ("series=" + "&series=".join(f"d{n}:power" for n in range(51)), "series"),
        ("device_id=b&metric_type=power&max_points=3", "max_points"),
        ("device_id=b&metric_type=power&format=xml", "format"),
        ("device_id=b&metric_type=power&resolution=2h", "resolution"),
        ("device_id=b&metric_type=power&resolution=1m&start=2020-01-01T00:00:00Z", "resolution"),
    ],
)
def test_what_cannot_be_answered_names_its_field(product: Product, query: str, field: str) -> None:
    answer = product.request("GET", "/api/v1/metrics/history?" + query)
    assert (answer.status, answer.json()["field"]) == (400, field)


def test_an_unknown_series_is_not_found(product: Product) -> None:
    assert product.request("GET", "/api/v1/metrics/history?series=nobody:power").status == 404


def test_the_ends_of_time_are_no_trouble(product: Product) -> None:
    answer = history(
        product, device_id="b", metric_type="power", resolution="auto", start="0001-01-01T00:00:00Z",
        end="9999-12-31T23:59:59Z",
    )  # fmt: skip
    assert sum(point["count"] for point in answer["points"]) == 1440


def test_the_job_runs_and_says_so(product: Product) -> None:
    text = product.request("GET", "/metrics").body.decode()
    assert 'aetherlens_job_runs_total{job="rollups",outcome="succeeded"}' in text
