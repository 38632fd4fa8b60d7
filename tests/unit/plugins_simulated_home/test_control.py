"""Switches act on the next reading and say what they did."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aetherlens_sdk import ConfigError
from unit.plugins_simulated_home.helpers import EVENING, Clock, house, make, readings


async def test_the_car_charges_on_order_until_the_next_noon(tmp_path: Path) -> None:
    clock = Clock()
    plugin = make(tmp_path, clock, ev_charger_kw=7.4)
    answer = await plugin.control_device("sim-ev", "turn_on", {})
    assert answer == {"state": "on", "by_hand": True, "until": "2026-06-22T10:00:00+00:00"}
    clock.move(5)
    metrics = await plugin.collect_metrics()
    assert readings(metrics, "power")["sim-ev"] == 7400.0
    assert readings(metrics, "state")["sim-ev"] == 1.0
    clock.now = datetime(2026, 6, 22, 9, 59, tzinfo=UTC)
    assert readings(await plugin.collect_metrics(), "power")["sim-ev"] == 7400.0
    clock.now = datetime(2026, 6, 22, 10, 0, tzinfo=UTC)
    assert readings(await plugin.collect_metrics(), "power")["sim-ev"] == 0.0


async def test_a_charging_session_can_be_stopped(tmp_path: Path) -> None:
    home = house()
    tens = (EVENING + timedelta(minutes=10 * i) for i in range(14 * 144))
    clock = Clock(next(ten for ten in tens if home.flows_w(ten.timestamp(), 0.0, {})["sim-ev"] == 11_000.0))
    plugin = make(tmp_path, clock)
    assert readings(await plugin.collect_metrics(), "power")["sim-ev"] == 11_000.0
    assert (await plugin.control_device("sim-ev", "turn_off", {}))["state"] == "off"
    clock.move(5)
    assert readings(await plugin.collect_metrics(), "power")["sim-ev"] == 0.0
    await plugin.control_device("sim-ev", "auto", {})
    clock.move(5)
    assert readings(await plugin.collect_metrics(), "power")["sim-ev"] == 11_000.0


@pytest.mark.parametrize(("device_id", "power_w"), [("sim-lights", 150.0), ("sim-water-heater", 2000.0)])
async def test_a_load_can_be_switched_on_off_and_back_to_its_schedule(
    tmp_path: Path, device_id: str, power_w: float
) -> None:
    clock = Clock()
    plugin = make(tmp_path, clock)
    seen = []
    for command in ("turn_on", "turn_off", "auto"):
        await plugin.control_device(device_id, command, {})
        clock.move(5)
        metrics = await plugin.collect_metrics()
        seen.append((readings(metrics, "power")[device_id], readings(metrics, "state")[device_id]))
    assert seen == [(power_w, 1.0), (0.0, 0.0), (0.0, 0.0)]


async def test_an_appliance_on_a_plug_loses_its_power_and_gets_it_back(tmp_path: Path) -> None:
    clock = Clock()
    plugin = make(tmp_path, clock)
    for _ in range(24 * 60):
        if readings(await plugin.collect_metrics(), "power")["sim-tv"] > 50:
            break
        clock.move(60)
    seen = []
    for command in ("turn_off", "turn_on"):
        await plugin.control_device("sim-tv", command, {})
        clock.move(5)
        metrics = await plugin.collect_metrics()
        seen.append((readings(metrics, "power")["sim-tv"] > 50, readings(metrics, "state")["sim-tv"]))
    assert seen == [(False, 0.0), (True, 1.0)]


async def test_a_switch_stays_as_it_was_left_after_a_restart(tmp_path: Path) -> None:
    clock = Clock(EVENING)
    plugin = make(tmp_path, clock)
    await plugin.collect_metrics()
    await plugin.control_device("sim-lights", "turn_on", {})
    await plugin.close()
    clock.move(60)
    assert readings(await make(tmp_path, clock).collect_metrics(), "power")["sim-lights"] == 150.0


@pytest.mark.parametrize(
    ("device_id", "command", "parameters", "field"),
    [
        ("sim-toaster", "turn_on", {}, "device_id"),
        ("sim-grid", "turn_off", {}, "device_id"),
        ("sim-lights", "dim", {}, "command"),
        ("sim-fridge", "fault_explode", {}, "command"),
        ("sim-fridge", "fault_offline", {"minutes": 3}, "parameters.minutes"),
        ("sim-fridge", "fault_offline", {"duration_s": "long"}, "parameters.duration_s"),
        ("sim-fridge", "fault_offline", {"duration_s": True}, "parameters.duration_s"),
    ],
)
async def test_an_order_that_makes_no_sense_is_refused_by_name(
    tmp_path: Path, device_id: str, command: str, parameters: dict[str, Any], field: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        await make(tmp_path, Clock()).control_device(device_id, command, parameters)
    assert raised.value.field == field
