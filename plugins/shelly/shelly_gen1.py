"""Gen1 devices: /status and /settings to readings. Pure functions.

Source: Shelly Gen1 API documentation, https://shelly-api-docs.shelly.cloud/gen1/ (meters: power in W, total in
watt-minutes; emeters: power in W, total and total_returned in Wh, reactive in var).
"""

from collections.abc import Iterator, Mapping, Sequence

from shelly_fields import Json, find, items, number, readings, section, text
from shelly_model import Channel, Identity, Output, Reading, Request

status_request = Request("/status")
config_request = Request("/settings")

_EMETER_FIELDS = {
    "power": "power",
    "reactive_power": "reactive",
    "power_factor": "pf",
    "voltage": "voltage",
    "current": "current",
    "energy": "total",
    "energy_export": "total_returned",
}
_MINUTES_PER_HOUR = 60
_ROLLER_STATES = {"open": "opening", "close": "closing", "stop": "stopped"}


def mac_from_status(status: Json) -> str | None:
    """Return who answered, in twelve lower-case hexadecimal digits."""
    mac = text(status.get("mac"))
    return mac.lower() if mac else None


def revision_from_status(status: Json) -> object:
    """Return the count of configuration changes since the device started; the uptime of older firmware has no such."""
    return status.get("cfg_changed_cnt")


def reading_from(identity: Identity, status: Json, config: Json) -> Reading:
    """Convert /status and /settings into a reading."""
    hostname = text(find(config, "device.hostname"))
    return Reading(
        identity=identity,
        name=text(config.get("name")) or hostname or f"Shelly {identity.mac}",
        channels=[*_outputs(identity, status, config), *_emeters(status, config), *_whole(status)],
        on_battery="bat" in status,
    )


def _outputs(identity: Identity, status: Json, config: Json) -> Iterator[Channel]:
    """Channels of relays, rollers, lights and of the meters beside them."""
    meters = [_meter(meter) for meter in _real_meters(identity, status, config)]
    if find(config, "mode") == "roller" and (rollers := items(status.get("rollers"))):
        yield from _rollers(rollers, meters, config)
        return
    kind = "relay" if items(status.get("relays")) else "light"
    outputs = items(status.get(f"{kind}s"))
    # Shelly 2 has one meter for both of its relays: such a meter belongs to neither.
    paired = len(meters) == len(outputs)
    for place, state in enumerate(outputs):
        values = {**(meters[place] if paired else {}), **_state(state)}
        yield Channel(
            suffix=f"{kind}{place}",
            device_type="smart_plug" if identity.is_plug else kind,
            values=values,
            label=_label(config, f"{kind}s", place),
            output=Output(component=_component(identity, kind, config), number=place),
        )
    if not paired:
        for place, values in enumerate(meters):
            yield Channel(suffix=f"meter{place}", device_type="energy_meter", values=values)


def _real_meters(identity: Identity, status: Json, config: Json) -> Sequence[Json]:
    """Shelly 1 lists a meter without having one: there its power is a number that the owner typed in."""
    meters = items(status.get("meters"))
    return () if find(config, "device.num_meters") == 0 else meters


def _rollers(rollers: Sequence[Json], meters: Sequence[Mapping[str, float]], config: Json) -> Iterator[Channel]:
    """A roller's motor hangs on both relays, one for each direction, so its energy is the sum of both meters."""
    for place, roller in enumerate(rollers):
        values = {} if roller.get("is_valid") is False else readings(roller, {"power": "power"})
        energies = [meter["energy"] for meter in meters if "energy" in meter]
        if energies and len(energies) == len(meters) and len(rollers) == 1:
            values["energy"] = sum(energies)
        yield Channel(
            suffix=f"roller{place}",
            device_type="cover",
            values=values,
            label=_label(config, "rollers", place),
            output=Output(component="roller", number=place, moves=True),
        )


def _emeters(status: Json, config: Json) -> Iterator[Channel]:
    """Channels of EM and 3EM, and the neutral conductor where the 3EM measures it."""
    for place, emeter in enumerate(items(status.get("emeters"))):
        valid = emeter.get("is_valid") is not False
        yield Channel(
            suffix=f"emeter{place}",
            device_type="energy_meter",
            values=readings(emeter, _EMETER_FIELDS) if valid else {},
            label=_label(config, "emeters", place),
        )
    neutral = section(status.get("emeter_n"))
    if neutral.get("is_valid") is True and (values := readings(neutral, {"current": "current"})):
        yield Channel(suffix="emetern", device_type="energy_meter", values=values, part="neutral")


def _whole(status: Json) -> Iterator[Channel]:
    """The device as a whole: its own temperature and its Wi-Fi signal."""
    values = {}
    if find(status, "tmp.is_valid") is not False:
        values = readings(status, {"temperature": "tmp.tC"}) or readings(status, {"temperature": "temperature"})
    if find(status, "wifi_sta.connected") is True:
        values |= readings(status, {"signal_strength": "wifi_sta.rssi"})
    if values:
        yield Channel(suffix="", device_type="sensor", values=values)


def _meter(meter: Json) -> dict[str, float]:
    if meter.get("is_valid") is False:
        return {}
    values = readings(meter, {"power": "power"})
    watt_minutes = number(meter.get("total"))
    if watt_minutes is not None:
        values["energy"] = watt_minutes / _MINUTES_PER_HOUR
    return values


def _state(output: Json) -> dict[str, float]:
    on = output.get("ison")
    return {"state": float(on)} if isinstance(on, bool) else {}


def _label(config: Json, key: str, place: int) -> str | None:
    settings = items(config.get(key))
    return text(settings[place].get("name")) if place < len(settings) else None


def _component(identity: Identity, kind: str, config: Json) -> str:
    """RGBW2 answers under the name of its mode; every other light under /light."""
    mode = find(config, "mode")
    return mode if kind == "light" and identity.model == "SHRGBW2" and mode in {"color", "white"} else kind


def request_to_turn(output: Output, *, on: bool) -> Request:
    """Return the request that turns an output on or off."""
    return Request(f"/{output.component}/{output.number}", {"turn": "on" if on else "off"})


def request_to_move(output: Output, movement: str) -> Request:
    """Return the request that makes a roller open, close or stop."""
    return Request(f"/{output.component}/{output.number}", {"go": movement})


def request_for_state(output: Output) -> Request:
    """Return the request that asks for an output's state."""
    return Request(f"/{output.component}/{output.number}")


def state_from_answer(output: Output, answer: Json) -> str | None:
    """Return on, off, or what a roller does."""
    if output.moves:
        return _ROLLER_STATES.get(answer.get("state", ""))
    on = answer.get("ison")
    return ("on" if on else "off") if isinstance(on, bool) else None
