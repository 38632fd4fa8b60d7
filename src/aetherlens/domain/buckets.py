"""Where buckets begin: minutes and quarter hours on UTC's grid, hours and days on the clock of the home.

An hour begins whenever the home's clock shows a full hour, a day at the first instant of its date. So hours of
Asia/Kathmandu begin at a quarter past in UTC, days have 23 to 25 hours, and the hour that the half-hour change of
Australia/Lord_Howe cuts has 90 minutes. All of these lie on UTC's quarter hours in every zone of today.
"""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from aetherlens.lib.clock import DAY_US, SECOND_US, from_us, to_us

Times = npt.NDArray[np.int64]

HOUR_US = 3600 * SECOND_US
#: Level → width in microseconds. Of hours and days it is the usual width.
LEVELS: dict[str, int] = {
    "1m": 60 * SECOND_US,
    "5m": 300 * SECOND_US,
    "15m": 900 * SECOND_US,
    "1h": HOUR_US,
    "1d": DAY_US,
}

_DAY = timedelta(days=1)


def edges(level: str, start_us: int, end_us: int, zone: ZoneInfo) -> Times:
    """Return the bounds of all buckets that overlap [start, end): n + 1 times for n buckets side by side."""
    if level == "1d":
        found = _days(start_us, end_us, zone)
    elif level == "1h":
        found = _hours(start_us, end_us, zone)
    else:
        width = LEVELS[level]
        return np.arange(start_us // width, -(-end_us // width) + 1, dtype=np.int64) * width
    first = int(np.searchsorted(found, start_us, side="right")) - 1
    last = int(np.searchsorted(found, end_us, side="left"))
    return found[first : last + 1]


def floor(level: str, us: int, zone: ZoneInfo) -> int:
    """Return where the bucket that holds `us` begins."""
    return int(edges(level, us, us + 1, zone)[0])


def ceiling(level: str, us: int, zone: ZoneInfo) -> int:
    """Return the first bucket's begin that does not lie before `us`."""
    return int(edges(level, us - 1, us, zone)[-1])


def _days(start_us: int, end_us: int, zone: ZoneInfo) -> Times:
    first = from_us(start_us).astimezone(zone).date() - _DAY
    last = from_us(end_us).astimezone(zone).date() + 2 * _DAY
    # A date that a zone leaves out has no length; `unique` drops it.
    midnights = (datetime.combine(first + n * _DAY, time(), zone) for n in range((last - first).days + 1))
    return np.unique(np.fromiter((to_us(midnight) for midnight in midnights), dtype=np.int64))


def _hours(start_us: int, end_us: int, zone: ZoneInfo) -> Times:
    begin, end = start_us - 3 * HOUR_US, end_us + 3 * HOUR_US
    parts = []
    while begin < end:
        offset = _offset_us(begin, zone)
        until = _offset_ends(begin, end, offset, zone)
        first = -(-(begin + offset) // HOUR_US) * HOUR_US - offset
        parts.append(np.arange(first, until, HOUR_US, dtype=np.int64))
        begin = until
    return np.concatenate(parts)


def _offset_ends(begin_us: int, end_us: int, offset_us: int, zone: ZoneInfo) -> int:
    """Return when the clock's offset changes first after `begin`; `end` where it does not."""
    low = begin_us
    while low < end_us:
        high = min(low + DAY_US, end_us)
        if _offset_us(high, zone) != offset_us:
            while high - low > SECOND_US:
                middle = (low + high) // 2 // SECOND_US * SECOND_US
                low, high = (middle, high) if _offset_us(middle, zone) == offset_us else (low, middle)
            return high // SECOND_US * SECOND_US
        low = high
    return end_us


def _offset_us(us: int, zone: ZoneInfo) -> int:
    offset = from_us(us).astimezone(zone).utcoffset()
    assert offset is not None
    return offset // timedelta(microseconds=1)
