"""Orders from the core: switching relays, and making devices misbehave."""

from datetime import datetime, time, timedelta
from typing import Any

from simulated_home_devices import EV, relays
from simulated_home_faults import Fault
from simulated_home_house import Switch
from simulated_home_readings import utc
from simulated_home_settings import Settings

from aetherlens_sdk import ConfigError


def next_noon_s(settings: Settings, now_s: float) -> float:
    """Return the Unix time of the home's next noon, when a car's manual charging order lapses."""
    local = utc(now_s).astimezone(settings.zone)
    noon = datetime.combine(local.date(), time(12), settings.zone)
    if noon.timestamp() <= now_s:
        noon = datetime.combine(local.date() + timedelta(days=1), time(12), settings.zone)
    return noon.timestamp()


def switch(
    settings: Settings, switches: dict[str, Switch], device_id: str, command: str, now_s: float
) -> dict[str, Any]:
    """Carry out turn_on, turn_off or auto; return the relay's state. Raises ConfigError for anything else."""
    relay = relays(settings).get(device_id)
    if relay is None:
        raise ConfigError(f"{device_id} cannot be switched", field="device_id")
    if command not in ("turn_on", "turn_off", "auto"):
        raise ConfigError(f"{device_id} knows turn_on, turn_off, auto and fault_…, not {command!r}", field="command")
    switches.pop(device_id, None)
    is_on = command != "turn_off"
    until_s = next_noon_s(settings, now_s) if device_id == EV else None
    if command == "turn_off" or (command == "turn_on" and relay.forced_w > 0.0):
        switches[device_id] = Switch(is_on=is_on, until_s=until_s)
    state: dict[str, Any] = {"state": "on" if is_on else "off", "by_hand": device_id in switches}
    if device_id in switches and until_s is not None:
        state["until"] = utc(until_s).isoformat()
    return state


def misbehave(faults: list[Fault], fault: Fault) -> dict[str, Any]:
    """Put a fault in force instead of an earlier one of its type; return the device's faults ordered so far."""
    faults[:] = [one for one in faults if (one.device_id, one.type) != (fault.device_id, fault.type)]
    faults.append(fault)
    return {"faults": [str(one.type) for one in faults if one.device_id == fault.device_id]}


def behave(faults: list[Fault], device_id: str) -> dict[str, Any]:
    """End the faults that were ordered for a device."""
    faults[:] = [fault for fault in faults if fault.device_id != device_id]
    return {"faults": []}
