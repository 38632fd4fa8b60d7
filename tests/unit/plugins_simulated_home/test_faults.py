"""Faults strike when they are ordered, as they are ordered, and end."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from simulated_home_faults import Fault, FaultType, fault_from_config
from simulated_home_plugin import SimulatedHomePlugin

from aetherlens_sdk import ConfigError, RetriableError
from unit.plugins_simulated_home.helpers import EVENING, Clock, make, readings

FRIDGE = "sim-fridge"


async def test_an_offline_device_is_missing_and_named_in_the_health_report(tmp_path: Path) -> None:
    clock = Clock()
    plugin = make(tmp_path, clock)
    await plugin.control_device(FRIDGE, "fault_offline", {"duration_s": 60})
    power = readings(await plugin.collect_metrics(), "power")
    assert FRIDGE not in power
    assert "sim-freezer" in power
    health = await plugin.get_health()
    assert health.status == "degraded"
    assert health.devices == {FRIDGE: "simulated fault: offline"}
    clock.move(60)
    assert FRIDGE in readings(await plugin.collect_metrics(), "power")
    assert (await plugin.get_health()).status == "ok"


async def test_a_fault_without_a_time_is_always_in_force_and_without_a_device_hits_all(tmp_path: Path) -> None:
    clock = Clock()
    plugin = make(tmp_path, clock, faults=[{"type": "offline"}])
    assert await plugin.collect_metrics() == []
    clock.move(10 * 86_400)
    assert await plugin.collect_metrics() == []
    assert len((await plugin.get_health()).devices) == len(await plugin.discover_devices())


async def test_a_reset_counter_starts_again_at_zero_once(tmp_path: Path) -> None:
    clock = Clock()
    at = EVENING + timedelta(minutes=30)
    plugin = make(tmp_path, clock, faults=[{"type": "counter_reset", "device": "sim-base", "at": at.isoformat()}])
    course = []
    for _ in range(60):
        course.append(readings(await plugin.collect_metrics(), "energy")["sim-base"])
        clock.move(60)
    falls = [minute for minute in range(1, 60) if course[minute] < course[minute - 1]]
    assert falls == [30]
    assert course[30] == 0.0


async def test_an_ordered_reset_survives_a_crash(tmp_path: Path) -> None:
    clock = Clock()
    plugin = make(tmp_path, clock)
    await plugin.collect_metrics()
    clock.move(3600)
    assert readings(await plugin.collect_metrics(), "energy")["sim-base"] > 0.0
    await plugin.control_device("sim-base", "fault_counter_reset", {})
    assert readings(await plugin.collect_metrics(), "energy")["sim-base"] == 0.0
    clock.move(3600)
    energy = readings(await make(tmp_path, clock).collect_metrics(), "energy")
    assert energy["sim-base"] == pytest.approx(0.11, abs=0.01)


@pytest.mark.parametrize("shift_s", [3600, -86_400])
async def test_a_jumped_clock_shifts_the_times_of_its_device_alone(tmp_path: Path, shift_s: int) -> None:
    clock = Clock(EVENING + timedelta(seconds=0.7))
    plugin = make(tmp_path, clock)
    await plugin.control_device(FRIDGE, "fault_clock_jump", {"shift_s": shift_s})
    times = {metric.device_id: metric.timestamp for metric in await plugin.collect_metrics()}
    assert times.pop(FRIDGE) == EVENING + timedelta(seconds=shift_s)
    assert set(times.values()) == {None}


async def test_a_stuck_device_repeats_itself_and_then_goes_on(tmp_path: Path) -> None:
    clock = Clock()
    plugin = make(tmp_path, clock)
    await plugin.collect_metrics()
    await plugin.control_device("sim-base", "fault_stuck", {"duration_s": 600})
    seen = []
    for _ in range(12):
        clock.move(60)
        seen.append(readings(await plugin.collect_metrics(), "energy")["sim-base"])
    assert len(set(seen[:9])) == 1
    assert seen[9] > seen[8]
    assert seen[11] > seen[10]


async def test_a_spike_multiplies_power_and_leaves_the_counter(tmp_path: Path) -> None:
    plugin, plain = make(tmp_path, Clock()), make(tmp_path, Clock())
    await plugin.control_device("sim-base", "fault_spike", {"factor": 100})
    spiked, normal = await plugin.collect_metrics(), await plain.collect_metrics()
    assert readings(spiked, "power")["sim-base"] == pytest.approx(100 * readings(normal, "power")["sim-base"])
    assert readings(spiked, "energy") == readings(normal, "energy")


async def test_an_error_fails_the_whole_reading_until_it_is_cleared(tmp_path: Path) -> None:
    plugin = make(tmp_path, Clock())
    await plugin.control_device("sim-grid", "fault_error", {})
    with pytest.raises(RetriableError):
        await plugin.collect_metrics()
    assert await plugin.control_device("sim-grid", "clear_faults", {}) == {"faults": []}
    assert await plugin.collect_metrics()


async def test_a_slow_reading_takes_its_time(tmp_path: Path) -> None:
    plugin = make(tmp_path, Clock(), faults=[{"type": "slow", "delay_s": 0.2}])
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await plugin.collect_metrics()
    async with asyncio.timeout(5):
        assert await plugin.collect_metrics()


async def test_ordering_a_fault_again_replaces_it(tmp_path: Path) -> None:
    plugin = make(tmp_path, Clock())
    await plugin.control_device(FRIDGE, "fault_spike", {"factor": 2})
    await plugin.control_device(FRIDGE, "fault_offline", {})
    assert await plugin.control_device(FRIDGE, "fault_spike", {"factor": 3}) == {"faults": ["offline", "spike"]}


def test_chance_strikes_about_as_often_as_it_should_and_always_the_same() -> None:
    fault = Fault(type=FaultType.OFFLINE, device_id=FRIDGE, per_hour=0.1, duration_s=600)
    start_s = EVENING.timestamp()
    hours = [fault.began_within(1, start_s + hour * 3600, start_s + (hour + 1) * 3600) for hour in range(2000)]
    assert 150 < sum(hours) < 250
    struck_s = start_s + hours.index(True) * 3600
    active = [fault.active(1, struck_s + second) for second in range(0, 4800, 10)]
    assert 55 <= sum(active) <= 65
    assert active == [fault.active(1, struck_s + second) for second in range(0, 4800, 10)]


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({"time_zone": "Europe/Atlantis"}, "time_zone"),
        ({"time_zone": "../etc/passwd"}, "time_zone"),
        ({"latitude": "north"}, "latitude"),
        ({"faults": [{"type": "offline", "device": "sim-toaster"}]}, "faults[0].device"),
        ({"battery_kwh": 0, "faults": [{"type": "offline", "device": "sim-battery"}]}, "faults[0].device"),
        ({"faults": [{"type": "gone"}]}, "faults[0].type"),
        ({"faults": [{"type": "stuck"}, {"type": "counter_reset"}]}, "faults[1]"),
        ({"faults": [{"type": "offline", "at": "noon"}]}, "faults[0].at"),
        ({"faults": [{"type": "offline", "at": "2026-06-21T12:00:00"}]}, "faults[0].at"),
        ({"faults": [{"type": "offline", "duration_s": 0}]}, "faults[0].duration_s"),
    ],
)
def test_a_wrong_configuration_names_the_field(config: Mapping[str, Any], field: str) -> None:
    with pytest.raises(ConfigError) as raised:
        SimulatedHomePlugin.validate_config(config)
    assert raised.value.field == field


def test_a_time_may_come_as_text_or_as_yaml_reads_it() -> None:
    moment = datetime(2026, 6, 21, 12, tzinfo=UTC)
    for at in ("2026-06-21T12:00:00Z", "2026-06-21T14:00:00+02:00", moment):
        assert fault_from_config({"type": "offline", "at": at}, "faults[0]").start_s == moment.timestamp()
