"""Gen2, Gen3 and Gen4 devices: Shelly.GetStatus and Shelly.GetConfig to readings. Pure functions.

Source: Shelly Gen2+ API documentation, https://shelly-api-docs.shelly.cloud/gen2/ (components Switch, Cover, Light,
RGB, RGBW, CCT, PM1, EM, EMData, EM1, EM1Data: active power in W, apparent power in VA, energy counters in Wh).
"""

from collections.abc import Iterator

from shelly_fields import Json, find, number, readings, section, text
from shelly_model import Channel, Identity, Output, Reading, Request

status_request = Request("/rpc/Shelly.GetStatus")
config_request = Request("/rpc/Shelly.GetConfig")

_CHANNEL_FIELDS = {
    "power": "apower",
    "apparent_power": "aprt_power",
    "power_factor": "pf",
    "voltage": "voltage",
    "current": "current",
    "frequency": "freq",
    "energy": "aenergy.total",
    "energy_export": "ret_aenergy.total",
}
_EM1_FIELDS = {
    "power": "act_power",
    "apparent_power": "aprt_power",
    "power_factor": "pf",
    "voltage": "voltage",
    "current": "current",
    "frequency": "freq",
}
_EM1_DATA_FIELDS = {"energy": "total_act_energy", "energy_export": "total_act_ret_energy"}
_EM_TOTAL_FIELDS = {"power": "total_act_power", "apparent_power": "total_aprt_power", "current": "total_current"}
_EM_TOTAL_DATA_FIELDS = {"energy": "total_act", "energy_export": "total_act_ret"}

#: Component → its name in RPC methods and its type of device, for those that turn on and off.
_SWITCHES = {
    "switch": ("Switch", "relay"),
    "light": ("Light", "light"),
    "rgb": ("RGB", "light"),
    "rgbw": ("RGBW", "light"),
    "cct": ("CCT", "light"),
    "rgbcct": ("RGBCCT", "light"),
}
#: Ids from here on belong to sensors of an add-on, which measure other places than the device's own inside.
_FIRST_ADD_ON_ID = 100


def mac_from_status(status: Json) -> str | None:
    """Return who answered, in twelve lower-case hexadecimal digits."""
    mac = text(find(status, "sys.mac"))
    return mac.lower() if mac else None


def revision_from_status(status: Json) -> object:
    """Return the revision of the configuration."""
    return find(status, "sys.cfg_rev")


def reading_from(identity: Identity, status: Json, config: Json) -> Reading:
    """Convert Shelly.GetStatus and Shelly.GetConfig into a reading."""
    name = text(find(config, "sys.device.name")) or f"Shelly {identity.app or ''} {identity.mac}".replace("  ", " ")
    channels: list[Channel] = []
    for key in sorted(status):
        channels += _component(identity, key, status, config)
    channels += _whole(status)
    on_battery = any(key.startswith("devicepower:") for key in status)
    return Reading(identity=identity, name=name, channels=channels, on_battery=on_battery)


def _component(identity: Identity, key: str, status: Json, config: Json) -> Iterator[Channel]:
    kind, _, digits = key.partition(":")
    if not digits.isdecimal():
        return
    number_, state = int(digits), section(status[key])
    label = text(section(config.get(key)).get("name"))
    if kind in _SWITCHES:
        method, device_type = _SWITCHES[kind]
        yield Channel(
            suffix=f"{kind}{number_}",
            device_type="smart_plug" if identity.is_plug else device_type,
            values={**_channel(state), **_state(state)},
            label=label,
            output=Output(component=method, number=number_),
        )
    elif kind == "cover":
        output = Output(component="Cover", number=number_, moves=True)
        yield Channel(suffix=f"cover{number_}", device_type="cover", values=_channel(state), label=label, output=output)
    elif kind == "pm1":
        # An underscore, because a 10 would read like the tenth pm.
        yield Channel(suffix=f"pm1_{number_}", device_type="energy_meter", values=_channel(state), label=label)
    elif kind == "em1":
        data = section(status.get(f"em1data:{number_}"))
        values = readings(state, _EM1_FIELDS) | readings(data, _EM1_DATA_FIELDS)
        yield Channel(suffix=f"em1_{number_}", device_type="energy_meter", values=values, label=label)
    elif kind == "em":
        yield from _three_phases(number_, state, section(status.get(f"emdata:{number_}")), label)


def _three_phases(number_: int, state: Json, data: Json, label: str | None) -> Iterator[Channel]:
    """The sum of the phases, each phase, and the neutral conductor where a transformer sits on it."""
    total = readings(state, _EM_TOTAL_FIELDS) | readings(data, _EM_TOTAL_DATA_FIELDS)
    yield Channel(suffix=f"em{number_}", device_type="energy_meter", values=total, label=label)
    for phase in "abc":
        values = readings(state, {metric_type: f"{phase}_{field}" for metric_type, field in _EM1_FIELDS.items()})
        values |= readings(data, {metric_type: f"{phase}_{field}" for metric_type, field in _EM1_DATA_FIELDS.items()})
        part = f"phase {phase.upper()}"
        yield Channel(suffix=f"em{number_}-{phase}", device_type="energy_meter", values=values, label=label, part=part)
    if neutral := readings(state, {"current": "n_current"}):
        yield Channel(suffix=f"em{number_}-n", device_type="energy_meter", values=neutral, label=label, part="neutral")


def _whole(status: Json) -> Iterator[Channel]:
    """The device as a whole: the temperature of its hottest part and its Wi-Fi signal."""
    temperatures = [value for key in status if (value := _temperature(key, section(status[key]))) is not None]
    values = {"temperature": max(temperatures)} if temperatures else {}
    # A device on a cable reports 0 dBm.
    if text(find(status, "wifi.sta_ip")) and find(status, "wifi.rssi"):
        values |= readings(status, {"signal_strength": "wifi.rssi"})
    if values:
        yield Channel(suffix="", device_type="sensor", values=values)


def _temperature(key: str, state: Json) -> float | None:
    kind, _, digits = key.partition(":")
    if kind == "temperature":
        inside = digits.isdecimal() and int(digits) < _FIRST_ADD_ON_ID
        return number(state.get("tC")) if inside else None
    return number(find(state, "temperature.tC"))


def _channel(state: Json) -> dict[str, float]:
    # Firmware before 1.0 spells the apparent power in one word.
    return readings(state, {"apparent_power": "aprtpower"}) | readings(state, _CHANNEL_FIELDS)


def _state(output: Json) -> dict[str, float]:
    on = output.get("output")
    return {"state": float(on)} if isinstance(on, bool) else {}


def request_to_turn(output: Output, *, on: bool) -> Request:
    """Return the request that turns an output on or off."""
    return Request(f"/rpc/{output.component}.Set", {"id": str(output.number), "on": "true" if on else "false"})


def request_to_move(output: Output, movement: str) -> Request:
    """Return the request that makes a cover open, close or stop."""
    return Request(f"/rpc/{output.component}.{movement.capitalize()}", {"id": str(output.number)})


def request_for_state(output: Output) -> Request:
    """Return the request that asks for an output's state."""
    return Request(f"/rpc/{output.component}.GetStatus", {"id": str(output.number)})


def state_from_answer(output: Output, answer: Json) -> str | None:
    """Return on, off, or what a cover does: open, closed, opening, closing, stopped, calibrating."""
    if output.moves:
        return text(answer.get("state"))
    on = answer.get("output")
    return ("on" if on else "off") if isinstance(on, bool) else None
