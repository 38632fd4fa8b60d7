"""POST /metrics stores what is good, tells what is not, and answers after the commit."""

import gzip
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from aetherlens.api.resources.metrics import MAX_ITEMS
from integration.api.helpers import Core, ago, metric, problem


def test_one_metric_is_stored_when_it_is_answered(core: Core, device: str) -> None:
    answer = core.request("POST", "/api/v1/metrics", metric(device, value=1.001, unit="kW", tags={"phase": "a"}))
    assert answer.status == 201
    assert answer.json() == {"stored": 1, "rejected": 0, "results": [{"index": 0, "status": "stored"}]}
    value = core.sql(f"SELECT value FROM metrics WHERE device_id = '{device}' AND tags @> '{{\"phase\": \"a\"}}'")
    assert value == 1001.0


def test_many_are_stored_in_one_request(core: Core, device: str) -> None:
    times = [ago(minutes=minute) for minute in range(100)]
    answer = core.post(*(metric(device, value=float(n), timestamp=time) for n, time in enumerate(times)))
    assert (answer.status, answer.json()["stored"]) == (201, 100)
    assert {point["timestamp"] for point in core.points(device)} == set(times)


def test_good_and_bad_are_told_apart_by_index(core: Core, device: str) -> None:
    answer = core.post(
        metric(device, timestamp=ago(seconds=1)),
        metric(device, unit="kWh"),
        {"device_id": device, "metric_type": "power"},
        metric(device, timestamp="1970-01-01T00:00:00Z"),
        metric(device, value=2.0, timestamp=ago(seconds=9)),
    )
    body = answer.json()
    assert (answer.status, body["stored"], body["rejected"]) == (207, 2, 3)
    assert [result["status"] for result in body["results"]] == ["stored", "rejected", "rejected", "rejected", "stored"]
    assert [(one["field"], one["reason"]) for one in body["results"] if one["status"] == "rejected"] == [
        ("unit", "unit"),
        ("value", "invalid"),
        ("timestamp", "timestamp"),
    ]
    assert [point["value"] for point in core.points(device)] == [2.0, 1.5]


def test_sending_again_changes_nothing_and_a_correction_replaces(core: Core, device: str) -> None:
    first = metric(device, timestamp=ago(minutes=1))
    for _ in range(3):
        assert core.post(first).status == 201
    assert [point["value"] for point in core.points(device)] == [1.5]
    assert core.post({**first, "value": 7.0}).status == 201
    assert [point["value"] for point in core.points(device)] == [7.0]


def test_a_metric_without_a_time_is_stored_as_of_now(core: Core, device: str) -> None:
    assert core.post(metric(device)).status == 201
    assert core.sql(f"SELECT abs(extract(epoch FROM now() - time)) < 10 FROM metrics WHERE device_id = '{device}'")


def test_writers_at_the_same_time_all_get_what_they_were_promised(core: Core, device: str) -> None:
    def write(number: int) -> int:
        return core.post(metric(f"{device}-{number % 4}", value=float(number), timestamp=ago(seconds=number))).status

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(write, range(40))) == {201}
    assert sum(len(core.points(f"{device}-{number}")) for number in range(4)) == 40


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"timestamp": "1970-01-01T00:00:00Z"}, "timestamp"),
        ({"timestamp": "2100-01-01T00:00:00Z"}, "timestamp"),
        ({"timestamp": "0001-01-01T00:00:00+14:00"}, "timestamp"),
        ({"timestamp": "2026-01-01T00:00:00"}, "timestamp"),
        ({"timestamp": "yesterday"}, "timestamp"),
        ({"timestamp": 1_700_000_000}, "timestamp"),
        ({"unit": "kWh"}, "unit"),
        ({"metric_type": "own_type", "unit": "x" * 1000}, "unit"),
        ({"value": "1.5"}, "value"),
        ({"value": None}, "value"),
        ({"value": True}, "value"),
        ({"value": 1e308, "unit": "MW"}, "value"),
        ({"device_id": ""}, "device_id"),
        ({"device_id": "a b"}, "device_id"),
        ({"device_id": "\0"}, "device_id"),
        ({"device_id": 5}, "device_id"),
        ({"device_id": "x" * 10_000}, "device_id"),
        ({"metric_type": "Power"}, "metric_type"),
        ({"tags": {"a": 5}}, "tags[...]"),
        ({"tags": {"a": "\0"}}, "tags"),
        ({"tags": {str(number): "" for number in range(17)}}, "tags"),
        ({"extra": 1}, "extra"),
    ],
)
def test_a_bad_metric_is_refused_with_its_field_and_nothing_is_stored(
    core: Core, device: str, changes: dict[str, Any], field: str
) -> None:
    before = core.stored()
    body = problem(core.request("POST", "/api/v1/metrics", metric(device, **changes)), 422, field)
    assert body["results"][0]["status"] == "rejected"
    assert core.stored() == before


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   ",
        b"{",
        b'{"device_id": "a", "metric',
        b'[{"device_id": "a", "metric_type": "power", "value": 1},',
        b'{"device_id": "a", "metric_type": "power", "value": NaN}',
        b'{"device_id": "a", "metric_type": "power", "value": Infinity}',
        b'{"device_id": "\xff", "metric_type": "power", "value": 1}',
        b'[{"device_id": "a", "metric_type": "power", "value": 1}, {"device_id": "\xff", "metric_type": "power"}]',
        b'{"device_id": "\\ud800", "metric_type": "power", "value": 1}',
        b'{"device_id": "a\x01", "metric_type": "power", "value": 1}',
        b"[" * 100_000,
        b"[" + b'{"device_id":' * 50_000,
        b"\x00\x01\x02",
        b"device_id=a&value=1",
        b"[]",
    ],
)
def test_what_is_no_json_is_refused_and_nothing_is_stored(core: Core, body: bytes) -> None:
    before = core.stored()
    problem(core.post_raw(body), 400)
    assert core.stored() == before


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        (b'{"device_id": "a", "metric_type": "power", "value": 1e999}', 422, "value"),
        (b'{"device_id": "a", "metric_type": "power", "value": 1' + b"0" * 5000 + b"}", 422, "value"),
        (b"5", 422, None),
        (b'"text"', 422, None),
        (b"null", 422, None),
        (b"[[]]", 422, None),
        (b"[" + b"[" * 500 + b"]" * 500 + b"]", 422, None),
    ],
)
def test_json_of_the_wrong_form_is_refused(core: Core, body: bytes, status: int, field: str | None) -> None:
    before = core.stored()
    problem(core.post_raw(body), status, field)
    assert core.stored() == before


def test_of_duplicate_keys_the_last_stands(core: Core, device: str) -> None:
    body = f'{{"device_id": "{device}", "metric_type": "power", "value": 1, "value": 2}}'
    assert core.post_raw(body.encode()).status == 201
    assert [point["value"] for point in core.points(device)] == [2.0]


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/msgpack", ""])
def test_another_content_type_is_refused(core: Core, device: str, content_type: str) -> None:
    before = core.stored()
    body = problem(core.post_raw(json.dumps(metric(device)).encode(), **{"content-type": content_type}), 415)
    assert "application/json" in body["hint"]
    assert core.stored() == before


def test_a_content_type_may_name_its_charset(core: Core, device: str) -> None:
    headers = {"content-type": "application/json; charset=utf-8"}
    assert core.post_raw(json.dumps(metric(device)).encode(), **headers).status == 201


def test_a_body_too_large_is_refused(core: Core) -> None:
    before = core.stored()
    problem(core.post_raw(b"[" + b" " * 10_000_000 + b"]"), 413)
    assert core.stored() == before


def test_a_small_body_that_unpacks_to_a_large_one_is_refused(core: Core) -> None:
    bomb = gzip.compress(b"[" + b" " * 50_000_000 + b"]")
    problem(core.post_raw(bomb, **{"content-encoding": "gzip"}), 413)


def test_a_packed_body_is_understood_and_a_broken_one_refused(core: Core, device: str) -> None:
    packed = gzip.compress(json.dumps(metric(device)).encode())
    assert core.post_raw(packed, **{"content-encoding": "gzip"}).status == 201
    problem(core.post_raw(b"not gzip", **{"content-encoding": "gzip"}), 400)


def test_there_is_an_end_to_the_items_of_a_request(core: Core, device: str) -> None:
    before = core.stored()
    problem(core.post_raw(b"[" + b",".join([b"{}"] * (MAX_ITEMS + 1)) + b"]"), 413)
    assert core.stored() == before


def test_the_most_items_that_are_allowed_are_stored(core: Core, device: str) -> None:
    items = [
        metric(device, value=n, timestamp=f"2026-01-01T{n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}Z")
        for n in range(MAX_ITEMS)
    ]
    assert core.post(*items).status == 201
    assert len(core.points(device, start="2026-01-01T00:00:00Z", end="2026-01-02T00:00:00Z")) == MAX_ITEMS
