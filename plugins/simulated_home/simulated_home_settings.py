"""The plugin's configuration as frozen values."""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from simulated_home_faults import Fault, fault_from_config

from aetherlens_sdk import ConfigError


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What the house is like and how it misbehaves."""

    seed: int
    zone: tzinfo
    #: North positive.
    latitude_deg: float
    #: East positive.
    longitude_deg: float
    #: Rated power of the panels; 0 means no solar.
    solar_kwp: float
    #: Slope of the panels, 0 flat.
    solar_tilt_deg: float
    #: Where the panels look: 0 north, 90 east, 180 south.
    solar_azimuth_deg: float
    #: Content of the home battery; 0 means none.
    battery_kwh: float
    #: Greatest charging and discharging power.
    battery_kw: float
    #: Power of the wallbox; 0 means none.
    ev_charger_kw: float
    has_heat_pump: bool
    backfill_hours: int
    faults: tuple[Fault, ...]

    @property
    def solar_tilt_cos(self) -> float:
        """Cosine of the panels' slope."""
        return math.cos(math.radians(self.solar_tilt_deg))


def settings_from_config(config: Mapping[str, Any]) -> Settings:
    """Convert a configuration that fits the manifest's schema. Raises ConfigError with the field's path."""
    latitude_deg = _number(config, "latitude", 50.1)
    return Settings(
        seed=int(_number(config, "seed", 1)),
        zone=_zone(str(config.get("time_zone") or "")),
        latitude_deg=latitude_deg,
        longitude_deg=_number(config, "longitude", 8.7),
        solar_kwp=_number(config, "solar_kwp", 6.0),
        solar_tilt_deg=_number(config, "solar_tilt_deg", 35.0),
        solar_azimuth_deg=_number(config, "solar_azimuth_deg", 180.0 if latitude_deg >= 0 else 0.0),
        battery_kwh=_number(config, "battery_kwh", 10.0),
        battery_kw=_number(config, "battery_kw", 5.0),
        ev_charger_kw=_number(config, "ev_charger_kw", 11.0),
        has_heat_pump=bool(config.get("heat_pump", True)),
        backfill_hours=int(_number(config, "backfill_hours", 24)),
        faults=tuple(
            fault_from_config(fault, f"faults[{index}]") for index, fault in enumerate(config.get("faults", ()))
        ),
    )


def _number(config: Mapping[str, Any], key: str, default: float) -> float:
    value = config.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ConfigError(f"{key} must be a number, not {value!r}", field=key)
    return float(value)


def _zone(name: str) -> tzinfo:
    if not name:
        return _system_zone()
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigError(
            f"there is no time zone {name!r}; use a name such as Europe/Berlin", field="time_zone"
        ) from error


def _system_zone() -> tzinfo:
    """Return the zone that TZ or /etc/localtime names; UTC where neither can be read."""
    try:
        name = os.environ.get("TZ") or str(Path("/etc/localtime").readlink()).partition("zoneinfo/")[2]
        return ZoneInfo(name.removeprefix(":")) if name else UTC
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC
