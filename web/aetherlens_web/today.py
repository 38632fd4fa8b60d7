"""The home's calendar day, and what happened in it hour by hour. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from aetherlens_web.energy_now import EnergyNow
from aetherlens_web.models import CONSUMER_ROLES, SOURCE_ROLES, History, Reading, Record

#: Most series that are fetched for one chart or table.
MAX_SERIES = 12


class Day(Record, frozen=True, kw_only=True):
    """One calendar day of the home: 23 or 25 hours long where clocks change."""

    start: datetime
    end: datetime


class Hour(Record, frozen=True, kw_only=True):
    """Mean powers of one hour, in W; None where a reading is missing."""

    start: datetime
    solar_w: float | None
    battery_w: float | None
    grid_w: float | None
    home_w: float | None


def day_of(moment: datetime, zone: ZoneInfo) -> Day:
    """The home's calendar day that `moment` lies in."""
    start = moment.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    # Adding a day moves the wall clock, not the elapsed time: exactly what a calendar day is.
    return Day(start=start, end=start + timedelta(days=1))


def charted(readings: Sequence[Reading], energy: EnergyNow) -> tuple[Reading, ...]:
    """The devices that today's chart is made of: the balance's meters, else the devices that use most."""
    if energy.grid_w is not None:
        return tuple(reading for reading in readings if reading.role in SOURCE_ROLES)[:MAX_SERIES]
    consumers = [reading for reading in readings if reading.role in CONSUMER_ROLES]
    return tuple(sorted(consumers, key=lambda reading: -reading.value)[:MAX_SERIES])


def hours(histories: Iterable[tuple[str | None, History]]) -> list[Hour]:
    """Add up histories, each with its device's role, hour by hour; one missing device makes its sum unknown."""
    by_role: dict[str, list[Mapping[datetime, float]]] = {}
    for role, history in histories:
        values = {point.timestamp: point.value for point in history.points if point.value is not None}
        by_role.setdefault(role if role in SOURCE_ROLES else "load", []).append(values)
    starts = sorted({start for series in by_role.values() for values in series for start in values})
    rows = []
    for start in starts:
        sums = {role: _sum_at(start, series) for role, series in by_role.items()}
        parts = list(sums.values())
        rows.append(
            Hour(
                start=start,
                solar_w=sums.get("solar"),
                battery_w=sums.get("battery"),
                grid_w=sums.get("grid"),
                home_w=None if None in parts else sum(part for part in parts if part is not None),
            )
        )
    return rows


def _sum_at(start: datetime, series: Iterable[Mapping[datetime, float]]) -> float | None:
    values = [values.get(start) for values in series]
    return None if None in values else sum(value for value in values if value is not None)
