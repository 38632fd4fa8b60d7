"""Misbehaviour on demand: when a fault is in force, and what it does to a device's samples."""

import math
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from simulated_home_noise import Channel, uniform

from aetherlens_sdk import ConfigError

_HOUR_S = 3600
_DEFAULT_DURATION_S = 300.0


class FaultType(StrEnum):
    """What can go wrong."""

    #: The device is missing from the readings and named in the health report.
    OFFLINE = "offline"
    #: The device's energy counters start again at 0.
    COUNTER_RESET = "counter_reset"
    #: The device's samples carry a time that is `shift_s` off.
    CLOCK_JUMP = "clock_jump"
    #: The device repeats its last readings.
    STUCK = "stuck"
    #: The device's power reads `factor` times too high; its counters stay right.
    SPIKE = "spike"
    #: Reading the home fails as a whole with a retriable error.
    ERROR = "error"
    #: Reading the home takes `delay_s` longer.
    SLOW = "slow"


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One fault and when it is in force: from `start_s` on, or by chance, or (with neither) always."""

    type: FaultType
    #: None means every device.
    device_id: str | None = None
    #: Unix time of its beginning.
    start_s: float | None = None
    #: Chance that it begins within any one hour, 0…1.
    per_hour: float = 0.0
    #: How long it lasts once begun; a reset is a moment and has no length.
    duration_s: float = _DEFAULT_DURATION_S
    #: Shift of the clock.
    shift_s: float = 0.0
    #: What power readings are multiplied by.
    factor: float = 20.0
    #: Extra time that a reading takes.
    delay_s: float = 10.0

    def concerns(self, device_id: str) -> bool:
        """Return whether it hits the device."""
        return self.device_id is None or self.device_id == device_id

    def active(self, seed: int, time_s: float) -> bool:
        """Return whether it is in force at a Unix time."""
        if self.start_s is None and self.per_hour == 0.0:
            return True
        return any(start_s <= time_s for start_s in self._starts(seed, time_s - self.duration_s, time_s))

    def began_within(self, seed: int, after_s: float, until_s: float) -> bool:
        """Return whether it began later than `after_s` and not later than `until_s`."""
        return any(True for _ in self._starts(seed, after_s, until_s))

    def _starts(self, seed: int, after_s: float, until_s: float) -> Iterable[float]:
        if self.start_s is not None and after_s < self.start_s <= until_s:
            yield self.start_s
        if self.per_hour > 0.0:
            for hour in range(math.floor(after_s / _HOUR_S), math.floor(until_s / _HOUR_S) + 1):
                start_s = (hour + uniform(seed, Channel.FAULT_MOMENT, self._slot(hour))) * _HOUR_S
                if after_s < start_s <= until_s and uniform(seed, Channel.FAULT, self._slot(hour)) < self.per_hour:
                    yield start_s

    def _slot(self, hour: int) -> int:
        """Return an index that two faults of one hour do not share."""
        salt = zlib.crc32(f"{self.type}/{self.device_id}".encode())
        return (hour << 32) + salt


def fault_from_config(config: Mapping[str, Any], path: str) -> Fault:
    """Convert one entry of `faults`. Raises ConfigError with the field's path."""
    fault = Fault(
        type=_fault_type(str(config.get("type")), f"{path}.type"),
        device_id=config.get("device"),
        start_s=_moment(config.get("at"), f"{path}.at"),
        per_hour=number(config, "per_hour", 0.0, 0.0, 1.0, path),
        **_amounts(config, path),
    )
    if fault.type is FaultType.COUNTER_RESET and fault.start_s is None and fault.per_hour == 0.0:
        raise ConfigError("a counter_reset needs `at` or `per_hour`", field=path)
    return fault


def fault_from_command(command: str, device_id: str, parameters: Mapping[str, Any], now_s: float) -> Fault:
    """Convert a control command such as ``fault_offline``; the fault begins now. Raises ConfigError."""
    unknown = set(parameters) - {"duration_s", "shift_s", "factor", "delay_s"}
    if unknown:
        raise ConfigError(f"{command} takes no {min(unknown)}", field=f"parameters.{min(unknown)}")
    return Fault(
        type=_fault_type(command.removeprefix("fault_"), "command"),
        device_id=device_id,
        start_s=now_s,
        **_amounts(parameters, "parameters"),
    )


def number(values: Mapping[str, Any], key: str, default: float, lowest: float, highest: float, path: str) -> float:
    """Return values[key] if it is a number within the bounds. Raises ConfigError with the field's path."""
    value = values.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not lowest <= value <= highest:
        raise ConfigError(f"{key} must be a number from {lowest:g} to {highest:g}", field=f"{path}.{key}")
    return float(value)


def _amounts(values: Mapping[str, Any], path: str) -> dict[str, float]:
    return {
        "duration_s": number(values, "duration_s", _DEFAULT_DURATION_S, 1, 7 * 86_400, path),
        "shift_s": number(values, "shift_s", 3600.0, -10 * 365 * 86_400, 10 * 365 * 86_400, path),
        "factor": number(values, "factor", 20.0, 0, 1e6, path),
        "delay_s": number(values, "delay_s", 10.0, 0, 3600, path),
    }


def _fault_type(name: str, path: str) -> FaultType:
    try:
        return FaultType(name)
    except ValueError as error:
        raise ConfigError(f"there is no fault {name!r}; there are {', '.join(FaultType)}", field=path) from error


def _moment(text: Any, path: str) -> float | None:
    if text is None:
        return None
    try:
        moment = text if isinstance(text, datetime) else datetime.fromisoformat(str(text))
    except ValueError as error:
        raise ConfigError(f"{text!r} is not a time such as 2026-06-21T12:00:00Z", field=path) from error
    if moment.tzinfo is None:
        raise ConfigError(f"{text!r} has no time zone; write 2026-06-21T12:00:00Z", field=path)
    return moment.timestamp()
