"""A house full of hostile plugins: each shows its state and reason, and harms nobody but itself.

The whole product runs once with all of tests/fakes/plugins; the tests look at it in turn.
"""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from time import monotonic
from typing import Any

import psutil
import pytest

from aetherlens.plugins.client import MAX_REASON_CHARACTERS
from product import ROOT, Product, eventually

FAKES = ROOT / "tests" / "fakes" / "plugins"
MEMORY_MB = 96
#: Starting so many processes takes its time on a small machine.
BOUND_S = 60.0

CONFIGS = {"strict": "config: {hots: somewhere}\n"}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The product with every fake plugin enabled."""
    home = tmp_path_factory.mktemp("hostile") / "home"
    files = home / "config" / "plugins"
    files.mkdir(parents=True)
    for folder in FAKES.glob("*/plugin.yaml"):
        name = folder.parent.name
        (files / f"{name}.yaml").write_text(CONFIGS.get(name, "enabled: true\n"))
    environment = {
        "PLUGIN_PATH": str(FAKES),
        "PLUGIN_TIMEOUT_SECONDS": "2",
        "PLUGIN_MAX_MEMORY_MB": str(MEMORY_MB),
    }
    product = Product(home, environment=environment)
    try:
        yield product.wait_until_ready()
    finally:
        product.stop()


def shows(house: Product, plugin_id: str, state: str, reason: str | None) -> bool:
    """Whether a plugin is in this state for a reason that matches."""
    plugin = house.plugin(plugin_id)
    shown = plugin["reason"]
    assert shown is None or len(shown) <= MAX_REASON_CHARACTERS + 100
    return plugin["state"] == state and (
        shown is None if reason is None else re.search(reason, shown or "") is not None
    )


@pytest.mark.parametrize(
    ("plugin_id", "state", "reason"),
    [
        ("good", "running", None),
        ("slow_start", "running", None),
        ("half_bad", "running", None),
        ("stubborn", "running", None),
        ("chatty", "running", None),
        ("impostor", "running", None),
        ("refuses", "blocked", "^house: this house is not supported$"),
        ("strict", "blocked", "did you mean host instead of hots"),
        ("garbage", "failing", "not a list of at most"),
        ("not_http", "failing", "/v1/collect"),
        ("all_bad", "failing", "no metric of the answer is good; the first: value: nan is not a finite number"),
        ("million", "failing", "the answer is larger than|length <= 100000"),
        ("waits", "failing", "no answer to /v1/collect within 2 s"),
        ("raises", "failing", "ZeroDivisionError: xxx"),
        ("fatal", "failing", "^the radio is stuck$"),
        ("exits", "failing", "^the process ended with status 3$"),
        ("hog", "failing", "MemoryError|ended with status|does not answer"),
        ("hangs", "failing", "hangs: no answer to /v1/collect within 2 s"),
    ],
)
def test_each_shows_its_state_and_its_reason(house: Product, plugin_id: str, state: str, reason: str | None) -> None:
    eventually(lambda: shows(house, plugin_id, state, reason), BOUND_S)


def test_every_fake_is_looked_at(house: Product) -> None:
    marks = test_each_shows_its_state_and_its_reason.pytestmark  # type: ignore[attr-defined]
    listed = {plugin["id"] for plugin in house.get("/api/v1/plugins")["plugins"]}
    assert listed == {case[0] for mark in marks for case in mark.args[1]}


@pytest.mark.parametrize("plugin_id", ["exits", "fatal", "hangs"])
def test_what_must_be_started_anew_is_and_each_time_is_counted(house: Product, plugin_id: str) -> None:
    eventually(lambda: house.plugin(plugin_id)["restarts"] >= (1 if plugin_id == "hangs" else 3), BOUND_S)


@pytest.mark.parametrize("plugin_id", ["garbage", "all_bad", "raises", "waits", "refuses", "strict", "million"])
def test_what_a_restart_would_not_mend_is_not_restarted(house: Product, plugin_id: str) -> None:
    assert house.plugin(plugin_id)["restarts"] == 0


def test_the_pauses_between_restarts_double(house: Product) -> None:
    def pauses() -> list[float]:
        entries = [json.loads(line) for line in house.log().splitlines() if '"plugin_restarts"' in line]
        return [entry["in_s"] for entry in entries if entry["plugin"] == "exits"]

    eventually(lambda: len(pauses()) >= 4, BOUND_S)
    assert 0.35 <= pauses()[0] <= 0.5
    assert all(1.4 < later / earlier < 2.7 for earlier, later in pairwise(pauses()[:4]))


def current(house: Product, device_id: str) -> dict[str, float]:
    found = house.get(f"/api/v1/metrics/current?device_id={device_id}")["metrics"]
    return {one["metric_type"]: one["value"] for one in found}


def test_only_a_plugins_own_token_opens_the_intake(house: Product) -> None:
    eventually(lambda: "good" in current(house, "impostor"), BOUND_S)
    answers = current(house, "impostor")
    assert answers.pop("pushed") == 1.0
    assert answers.pop("too_large") in {0.0, 413.0}
    assert answers == {
        "no_token": 401.0, "wrong_token": 401.0, "odd_token": 401.0, "garbage": 422.0, "all_bad": 422.0, "good": 200.0,
    }  # fmt: skip


def test_of_a_half_bad_batch_the_good_half_is_taken(house: Product) -> None:
    eventually(lambda: current(house, "half_bad"), BOUND_S)
    assert current(house, "half_bad") == {"voltage": 230.0}
    rejected = house.request("GET", "/metrics").body.decode()
    for reason in ("value", "device_id", "unit", "timestamp"):
        assert f'aetherlens_metrics_rejected_total{{plugin="half_bad",reason="{reason}"}}' in rejected


def test_only_sound_devices_are_stored(house: Product) -> None:
    eventually(lambda: house.get("/api/v1/devices/half_bad")["name"] == "Sound", BOUND_S)
    ids = {device["device_id"] for device in house.get("/api/v1/devices?limit=1000")["devices"]}
    assert {"good", "half_bad"} <= ids
    assert "half_bad_2" not in ids
    good = house.get("/api/v1/devices/good")
    assert (good["name"], good["room"], good["plugin_id"]) == ("Good device", "Hall", "good")


def test_memory_is_limited(house: Product) -> None:
    for plugin in house.get("/api/v1/plugins")["plugins"]:
        if plugin["memory_bytes"] is not None:
            assert plugin["memory_bytes"] < 1.5 * MEMORY_MB * 1024 * 1024, plugin["id"]


def test_the_core_keeps_its_measure(house: Product) -> None:
    """Neither a million metrics nor an endless line fill the core's memory or its log."""
    assert psutil.Process(house.process.pid).memory_info().rss < 256 * 1024 * 1024
    assert len(house.log()) < 20_000_000


def test_the_neighbour_keeps_delivering(house: Product) -> None:
    def points() -> list[dict[str, Any]]:
        start = (datetime.now(UTC) - timedelta(minutes=10)).strftime("%Y-%m-%dT%H:%M:%SZ")
        found: list[dict[str, Any]] = house.get(
            f"/api/v1/metrics/history?device_id=good&metric_type=power&start={start}"
        )["points"]
        return found

    before = len(points())
    eventually(lambda: len(points()) >= before + 5, BOUND_S)
    times = [datetime.fromisoformat(point["timestamp"]) for point in points()]
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(times)]
    assert sum(gap == 1.0 for gap in gaps) > 0.8 * len(gaps)


def test_health_is_degraded_and_names_the_plugins(house: Product) -> None:
    health = house.get("/health")
    assert health["status"] == "degraded"
    assert (health["plugins"]["good"], health["plugins"]["refuses"]) == ("running", "blocked")


def test_a_killed_plugin_runs_again_within_five_seconds(house: Product) -> None:
    eventually(lambda: shows(house, "good", "running", None), BOUND_S)
    before = house.plugin("good")
    psutil.Process(before["pid"]).kill()
    killed = monotonic()
    eventually(lambda: house.plugin("good")["pid"] not in {None, before["pid"]}, 5)
    eventually(lambda: shows(house, "good", "running", None), 5)
    assert monotonic() - killed < 5
    after = house.plugin("good")
    assert after["restarts"] == before["restarts"] + 1
    assert after["last_success"] > before["last_success"]


def test_the_last_words_of_a_plugin_are_in_the_log(house: Product) -> None:
    eventually(lambda: '"last words"' in house.log(), BOUND_S)


def test_after_the_stop_nothing_is_left(house: Product) -> None:
    """Stands last: it stops the house."""
    eventually(lambda: current(house, "stubborn"), BOUND_S)
    child = psutil.Process(int(current(house, "stubborn")["child_pid"]))
    family = [*house.family(), child]
    started = monotonic()
    assert house.stop() == 0
    assert monotonic() - started < 20
    _, alive = psutil.wait_procs(family, timeout=5)
    assert alive == []
