"""The home's energy balance at this moment. Pure; static/js/balance.js computes the same from the live stream."""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from aetherlens_web.models import CONSUMER_ROLES, SOURCE_ROLES, Reading, Record

#: Below this the grid or the battery counts as idle, in W: meters hum a little around zero.
IDLE_W = 10.0
#: Less use than this, in W, means that meters disagree, and not merely that their samples are a moment apart.
DISAGREE_W = -50.0


class EnergyNow(Record, frozen=True, kw_only=True):
    """The balance; None stands for what the home does not measure. Powers in W, signed as in `Reading`."""

    #: What the home uses, the car included; never negative.
    home_w: float | None
    #: Where `home_w` comes from: all meters, the grid meter alone, the sum of the devices, or nothing.
    basis: Literal["balance", "grid", "loads", "none"]
    grid_w: float | None
    solar_w: float | None
    battery_w: float | None
    ev_w: float | None
    #: The part of the home's use that the sun covers now, 0 to 1, when the sun serves the home first.
    sun_share: float | None
    #: What the home uses beyond its measured devices; None when unknown.
    rest_w: float | None
    #: False when the meters contradict each other, e.g. by a sensor that was clipped on the wrong way round.
    adds_up: bool
    #: Time of the oldest reading in `home_w`.
    oldest: datetime | None


def energy_now(readings: Iterable[Reading]) -> EnergyNow:
    """Compute the balance from the newest power readings of all devices."""
    power = [reading for reading in readings if reading.metric_type == "power"]
    grid_w, solar_w, battery_w = (_sum(power, role) for role in ("grid", "solar", "battery"))
    consumers = [reading for reading in power if reading.role in CONSUMER_ROLES]
    used_w = sum(reading.value for reading in consumers)
    measured: list[Reading]
    basis: Literal["balance", "grid", "loads", "none"]
    if grid_w is not None:
        basis = "grid" if solar_w is None and battery_w is None else "balance"
        measured = [reading for reading in power if reading.role in SOURCE_ROLES]
    else:
        basis = "loads" if consumers else "none"
        measured = consumers
    sum_w = sum(reading.value for reading in measured) if measured else None
    home_w = None if sum_w is None else max(0.0, sum_w)
    return EnergyNow(
        home_w=home_w,
        basis=basis,
        grid_w=grid_w,
        solar_w=solar_w,
        battery_w=battery_w,
        ev_w=_sum(power, "ev_charger"),
        sun_share=_share(solar_w, home_w) if grid_w is not None else None,
        rest_w=home_w - used_w if home_w is not None and grid_w is not None and used_w <= home_w else None,
        adds_up=sum_w is None or sum_w >= DISAGREE_W,
        oldest=min((reading.timestamp for reading in measured), default=None),
    )


def _sum(power: Iterable[Reading], role: str) -> float | None:
    values = [reading.value for reading in power if reading.role == role]
    return sum(values) if values else None


def _share(solar_w: float | None, home_w: float | None) -> float | None:
    if solar_w is None or not home_w:
        return None
    return max(0.0, min(1.0, solar_w / home_w))
