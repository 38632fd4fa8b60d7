"""Mean, extremes and count of samples per bucket of time."""

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from aetherlens.lib.clock import from_us, to_us
from aetherlens.storage.codec import Columns

Times = npt.NDArray[np.int64]

#: Returns the start of each time's bucket; all in microseconds since 1970 UTC.
StartsOf = Callable[[Times], Times]


def fixed(width: timedelta) -> StartsOf:
    """Return buckets of one width on a grid since 1970."""
    width_us = np.int64(width // timedelta(microseconds=1))
    return lambda ts_us: ts_us - ts_us % width_us


def days(time_zone: str) -> StartsOf:
    """Return the calendar days of an IANA time zone."""
    zone = ZoneInfo(time_zone)

    def midnight(day: date) -> int:
        return to_us(datetime(day.year, day.month, day.day, tzinfo=zone))

    def starts_of(ts_us: Times) -> Times:
        first, last = (from_us(int(ts_us[end])).astimezone(zone).date() for end in (0, -1))
        count = (last - first).days + 1
        midnights = np.array([midnight(first + timedelta(days=number)) for number in range(count)], dtype=np.int64)
        return midnights[np.searchsorted(midnights, ts_us, side="right") - 1]

    return starts_of


class Bucket:
    """What is known of one bucket so far."""

    __slots__ = ("count", "max", "min", "start_us", "sum")

    def __init__(self, start_us: int, total: float, least: float, most: float, count: int) -> None:
        #: Microseconds since 1970 UTC.
        self.start_us = start_us
        self.sum = total
        self.min = least
        self.max = most
        self.count = count

    def add(self, other: "Bucket") -> None:
        """Add what a later piece of the series says of the same bucket."""
        self.sum += other.sum
        self.min = min(self.min, other.min)
        self.max = max(self.max, other.max)
        self.count += other.count


def buckets_of(columns: Columns, starts_of: StartsOf) -> Iterator[Bucket]:
    """Yield the buckets of at least one sample, by time."""
    starts = starts_of(columns.ts_us)
    first = np.flatnonzero(np.diff(starts, prepend=starts[0] - 1))
    counts = np.diff(first, append=len(starts))
    reduced = (function.reduceat(columns.values, first) for function in (np.add, np.minimum, np.maximum))
    rows = zip(starts[first].tolist(), *(one.tolist() for one in reduced), counts.tolist(), strict=True)
    for start_us, total, least, most, count in rows:
        yield Bucket(start_us, total, least, most, count)
