"""Devices are listed page by page and changed by their owner."""

from typing import Any

import pytest

from integration.api.helpers import Core, ago, metric, problem


@pytest.fixture
def plug(core: Core, device: str) -> str:
    """A device with a sample."""
    assert core.post(metric(device, tags={"phase": "a"}, timestamp=ago(seconds=2))).status == 201
    return f"/api/v1/devices/{device}"


def patch(core: Core, path: str, body: Any) -> Any:
    return core.request("PATCH", path, body)


def test_a_device_comes_with_its_metrics_and_when_it_was_seen(core: Core, plug: str, device: str) -> None:
    body = core.get(plug)
    assert (body["device_id"], body["name"], body["device_type"]) == (device, device, "unknown")
    assert (body["plugin_id"], body["controllable"]) == ("api", False)
    assert body["metrics"] == [{"metric_type": "power", "unit": "W", "tags": {"phase": "a"}}]
    assert body["last_seen"] <= body["first_seen"]


def test_pages_hold_every_device_once_and_in_order(core: Core, device: str) -> None:
    core.post(*(metric(f"{device}-{number:02}") for number in range(25)))
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = core.get(f"/api/v1/devices?limit=7&cursor={cursor}")
        assert len(page["devices"]) <= 7
        seen += [one["device_id"] for one in page["devices"]]
        cursor = page["next_cursor"]
    assert seen == sorted(set(seen))
    assert {f"{device}-{number:02}" for number in range(25)} <= set(seen)
    assert seen == [one["device_id"] for one in core.get("/api/v1/devices?limit=1000")["devices"]]


@pytest.mark.parametrize("limit", ["0", "1001", "-1", "x", "1.5", "", "9" * 50, "%D9%A3"])
def test_a_bad_limit_is_refused(core: Core, limit: str) -> None:
    problem(core.request("GET", f"/api/v1/devices?limit={limit}"), 400, "limit")


@pytest.mark.parametrize("cursor", ["zzz", "%00", "%ff", "%F0%9F%92%A1", "x" * 5000])
def test_any_cursor_is_a_place_in_the_list(core: Core, cursor: str) -> None:
    assert core.request("GET", f"/api/v1/devices?cursor={cursor}").status == 200


def test_an_unknown_parameter_is_refused(core: Core) -> None:
    problem(core.request("GET", "/api/v1/devices?page=2"), 400, "page")


def test_the_owner_names_a_device_and_takes_it_back(core: Core, plug: str, device: str) -> None:
    changed = patch(core, plug, {"name": "Waschmaschine 🧺", "room": "Küche", "role": "load"})
    assert changed.status == 200
    assert (changed.json()["name"], changed.json()["room"], changed.json()["role"]) == (
        "Waschmaschine 🧺", "Küche", "load",
    )  # fmt: skip
    (shown,) = core.get(f"/api/v1/metrics/current?device_id={device}")["metrics"]
    assert (shown["device_name"], shown["room"], shown["role"]) == ("Waschmaschine 🧺", "Küche", "load")
    back = patch(core, plug, {"name": None, "room": "", "role": None}).json()
    assert (back["name"], back["room"], back["role"]) == (device, None, None)


def test_what_is_not_named_stays(core: Core, plug: str) -> None:
    patch(core, plug, {"name": "One", "room": "Cellar"})
    patch(core, plug, {"name": "Two"})
    assert (core.get(plug)["name"], core.get(plug)["room"]) == ("Two", "Cellar")
    assert patch(core, plug, {}).json()["name"] == "Two"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "x" * 101}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "a\n"}, "name"),
        ({"name": "a\0"}, "name"),
        ({"name": "a\x7f"}, "name"),
        ({"name": "a\x85b"}, "name"),
        ({"room": "a\u2028b"}, "room"),
        ({"room": 5}, "room"),
        ({"role": "toaster"}, "role"),
        ({"device_type": "x"}, "device_type"),
        ([], None),
        ("name", None),
    ],
)
def test_a_bad_change_is_refused_and_changes_nothing(core: Core, plug: str, change: Any, field: str | None) -> None:
    before = core.get(plug)
    problem(patch(core, plug, change), 422, field)
    assert core.get(plug) == before


@pytest.mark.parametrize("raw", [b"", b"{", b'{"name": "\xff"}', b'{"name": "\\ud800"}', b'{"name": "a"'])
def test_a_change_that_is_no_json_is_refused(core: Core, plug: str, raw: bytes) -> None:
    problem(core.request("PATCH", plug, raw=raw), 400)


def test_a_change_must_say_that_it_is_json(core: Core, plug: str) -> None:
    problem(core.request("PATCH", plug, raw=b'{"name": "x"}', headers={"content-type": "text/plain"}), 415)


@pytest.mark.parametrize("device_id", ["nobody", "%00", "%ff", "%ED%A0%80", "a%2Fb", "x" * 3000, "..%2f.."])
def test_an_unknown_device_is_not_found(core: Core, device_id: str) -> None:
    problem(core.request("GET", f"/api/v1/devices/{device_id}"), 404, "device_id")
    problem(patch(core, f"/api/v1/devices/{device_id}", {"name": "x"}), 404, "device_id")
