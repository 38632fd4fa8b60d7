"""The streams of the flow picture. Pure; static/js/flow.js moves them on as readings arrive."""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from aetherlens_web.energy_now import IDLE_W
from aetherlens_web.format import is_stale
from aetherlens_web.models import Reading, Record

#: What the picture shows around the home, in the order in which it is read out.
FLOW_ROLES = ("solar", "grid", "battery", "ev_charger")
#: The power at which a stream has its full width, in W.
FULL_WIDTH_W = 6000.0


class Flow(Record, frozen=True, kw_only=True):
    """One stream between the home and something that gives or takes power."""

    role: str
    #: Signed as in `Reading`.
    watts: float
    #: Seen from the home.
    direction: Literal["in", "out", "idle"]
    #: Of the stream, in units of the picture.
    width: float
    #: Time of the oldest reading in it.
    oldest: datetime
    is_stale: bool


def flows(readings: Iterable[Reading], now: datetime) -> tuple[Flow, ...]:
    """The streams of the roles that the home has."""
    readings = tuple(readings)
    found = []
    for role in FLOW_ROLES:
        of_role = [reading for reading in readings if reading.role == role]
        if of_role:
            watts = sum(reading.value for reading in of_role)
            oldest = min(reading.timestamp for reading in of_role)
            found.append(
                Flow(
                    role=role,
                    watts=watts,
                    direction=_direction(role, watts),
                    width=round(2 + 6 * min(1.0, abs(watts) / FULL_WIDTH_W), 1),
                    oldest=oldest,
                    is_stale=is_stale(oldest, now),
                )
            )
    return tuple(found)


def _direction(role: str, watts: float) -> Literal["in", "out", "idle"]:
    if abs(watts) < IDLE_W:
        return "idle"
    # A car's positive power is consumption: it leaves the home, as does what is sold or charged.
    return "in" if (watts > 0) != (role == "ev_charger") else "out"
