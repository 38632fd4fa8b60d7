"""What one appliance draws over one local day: a step function of time, and the day it belongs to."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo


@dataclass(frozen=True, kw_only=True, slots=True)
class Day:
    """One local calendar day of the home; 23 or 25 hours long when the clocks change."""

    date: date
    zone: tzinfo

    def at(self, hour: float) -> float:
        """Return the Unix time at which the wall clock shows `hour` (24 and more: the next day)."""
        wall = datetime(self.date.year, self.date.month, self.date.day) + timedelta(hours=hour)  # noqa: DTZ001
        return wall.replace(tzinfo=self.zone).timestamp()

    @property
    def start_s(self) -> float:
        """Unix time of its first instant."""
        return self.at(0.0)

    @property
    def end_s(self) -> float:
        """Unix time of the next day's first instant."""
        return self.at(24.0)

    @property
    def is_weekend(self) -> bool:
        """Whether it is a Saturday or Sunday."""
        return self.date.weekday() >= 5


def local_date(time_s: float, zone: tzinfo) -> date:
    """Return the home's calendar date at a Unix time."""
    return datetime.fromtimestamp(time_s, UTC).astimezone(zone).date()


@dataclass(frozen=True, kw_only=True, slots=True)
class Pulse:
    """A constant draw for a while; overlapping pulses add up."""

    #: Unix time.
    start_s: float
    duration_s: float
    power_w: float


class Profile:
    """The sum of pulses as a step function."""

    __slots__ = ("_powers_w", "_times_s")

    def __init__(self, pulses: Iterable[Pulse]) -> None:
        changes: dict[float, float] = {}
        for pulse in pulses:
            end_s = pulse.start_s + pulse.duration_s
            changes[pulse.start_s] = changes.get(pulse.start_s, 0.0) + pulse.power_w
            changes[end_s] = changes.get(end_s, 0.0) - pulse.power_w
        self._times_s = sorted(changes)
        self._powers_w = [0.0]
        power_w = 0.0
        for time_s in self._times_s:
            power_w += changes[time_s]
            self._powers_w.append(max(0.0, round(power_w, 3)))

    def power_w(self, time_s: float) -> float:
        """Return the draw at a Unix time, 0 outside all pulses."""
        return self._powers_w[bisect_right(self._times_s, time_s)]
