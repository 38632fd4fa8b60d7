"""Local times → UTC, and the two passes of an hour that a clock repeats."""

import difflib
import re
import zoneinfo
from datetime import UTC, datetime, timedelta, timezone, tzinfo

import msgspec
import numpy as np
import numpy.typing as npt

from aetherlens.lib.clock import SECOND_US

Times = npt.NDArray[np.int64]

#: What stands in the place of a time that is none; both lie before every other time.
UNPARSABLE = int(np.iinfo(np.int64).min)
NONEXISTENT = UNPARSABLE + 1

_HOUR_US = 3600 * SECOND_US
_MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - local times
#: Local times outside 1999 to 2199 are refused whatever their offset; their zone is not asked.
_ZONE_FROM_US, _ZONE_TO_US = 915_148_800 * SECOND_US, 7_258_118_400 * SECOND_US

_OFFSET = re.compile(r"([+-])([01][0-9]|2[0-3]):?([0-5][0-9])")


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What tells the two passes of an hour apart that a clock repeats in autumn: the times before it."""

    #: Last good time, microseconds since 1970 UTC.
    last_us: int | None = None
    #: Whether the file begins with its newest time; None while nobody knows.
    descending: bool | None = None


def parse_zone(text: str) -> tzinfo:
    """Return a fixed offset's or an IANA zone; UTC for an empty text. Raises ValueError with a hint."""
    if not text:
        return UTC
    offset = _OFFSET.fullmatch(text)
    if offset is not None:
        distance = timedelta(hours=int(offset[2]), minutes=int(offset[3]))
        return timezone(-distance if offset[1] == "-" else distance)
    try:
        return zoneinfo.ZoneInfo(text)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        close = difflib.get_close_matches(text, zoneinfo.available_timezones(), n=1)
        hint = f"; did you mean {close[0]}?" if close else '; use "+01:00" or an IANA name such as Europe/Paris'
        raise ValueError(f"there is no time zone {text!r}{hint}") from error


def direction(times: Times) -> bool | None:
    """Whether most steps go down; None where there is no step."""
    steps = np.sign(np.diff(times))
    return bool(steps.sum() < 0) if steps.any() else None


class Zone:
    """Local times → UTC, whole hours at a time; hours in which the clock changes, row by row."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        #: Local hour → its offset from UTC in microseconds; None where it changes within.
        self._hours: dict[int, int | None] = {}

    def to_utc(self, local: Times, order: Order) -> Times:
        """Return UTC times, NONEXISTENT where the clock jumped over them."""
        if isinstance(self._zone, timezone):
            return local - self._offset_us(0, fold=0)
        hours, inverse = np.unique(local // _HOUR_US, return_inverse=True)
        offsets = [self._hour_offset(int(hour)) for hour in hours]
        utc: Times = local - np.array([offset or 0 for offset in offsets], dtype=np.int64)[inverse]
        changing = np.array([offset is None for offset in offsets])[inverse]
        if changing.any():
            descending = order.descending if order.descending is not None else direction(local)
            self._row_by_row(local, utc, np.flatnonzero(changing), order.last_us, descending=bool(descending))
        return utc

    def _row_by_row(
        self, local: Times, utc: Times, indexes: npt.NDArray[np.intp], last_us: int | None, *, descending: bool
    ) -> None:
        """Fill in `utc` at `indexes`."""
        before = last_us
        for index in indexes.tolist():
            if index and utc[index - 1] != NONEXISTENT:
                before = int(utc[index - 1])
            moment = int(local[index])
            first, second = moment - self._offset_us(moment, fold=0), moment - self._offset_us(moment, fold=1)
            if first > second:  # PEP 495: in the hour that is jumped over
                utc[index] = NONEXISTENT
            else:
                utc[index] = _choose(first, second, before, descending=descending)

    def _hour_offset(self, hour: int) -> int | None:
        if hour not in self._hours:
            start = hour * _HOUR_US
            offsets = {self._offset_us(moment, fold=fold) for moment in (start, start + _HOUR_US) for fold in (0, 1)}
            self._hours[hour] = offsets.pop() if len(offsets) == 1 else None
        return self._hours[hour]

    def _offset_us(self, local_us: int, *, fold: int) -> int:
        if not _ZONE_FROM_US <= local_us < _ZONE_TO_US:
            local_us = _ZONE_FROM_US
        moment = (_EPOCH + timedelta(microseconds=local_us)).replace(fold=fold)
        offset = self._zone.utcoffset(moment)
        assert offset is not None
        return offset // _MICROSECOND


def _choose(first: int, second: int, before: int | None, *, descending: bool) -> int:
    """Return the pass of a repeated hour that continues the order; where nothing tells, the one it meets first."""
    repeated = second - first
    if descending:
        follows = before is None or second < before or before <= first - repeated
        return second if follows else first
    follows = before is None or before < first or second + repeated <= before
    return first if follows else second
