"""Times of a CSV file, from text to microseconds since 1970 UTC."""

import difflib
import re
import zoneinfo
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal

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
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - local times, before their zone is known
#: Where a strptime format without a date begins.
_TIME_EPOCH = datetime(1900, 1, 1)  # noqa: DTZ001
#: Local times outside 1999 to 2199 are refused whatever their offset; their zone is not asked.
_ZONE_FROM_US, _ZONE_TO_US = 915_148_800 * SECOND_US, 7_258_118_400 * SECOND_US

_OFFSET = re.compile(r"([+-])([01][0-9]|2[0-3]):?([0-5][0-9])")
_UNIX = re.compile(r"[+-]?[0-9]{1,12}(?:\.[0-9]{1,20})?")

_DATE_DIRECTIVES = frozenset("YymdbBjaA")
_TIME_DIRECTIVES = frozenset("HIMSfpz")
#: More remembered halves of a time than any day has seconds would only cost memory.
_MAX_REMEMBERED = 100_000
#: Half a time that cannot be read; twice it is still a number, and less than any time.
_BAD_HALF = -(2**61)


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What tells the two passes of an hour apart that a clock repeats in autumn: the times before it."""

    #: Last good time, microseconds since 1970 UTC.
    last_us: int | None = None
    #: Whether the file begins with its newest time; None while nobody knows.
    descending: bool | None = None


def check_format(text: str) -> None:
    """Check a time format. Raises ValueError in words for the owner of the mapping."""
    if text in {"iso", "unix"}:
        return
    directives = _directives(text)
    if not directives:
        raise ValueError(f"{text!r} is neither iso nor unix nor a strptime format such as %Y-%m-%d %H:%M:%S")
    if "Z" in directives:
        raise ValueError("%Z is ambiguous; leave the zone's name out of the time and give it as zone")
    if not directives & {"Y", "y", "G"}:
        raise ValueError(f"{text!r} has no year (%Y)")
    moment = datetime(2013, 11, 25, 16, 47, 58, tzinfo=UTC)
    try:
        again = datetime.strptime(moment.strftime(text), text)  # noqa: DTZ007
    except ValueError as error:
        raise ValueError(f"{text!r} is no strptime format: {error}") from error
    if again.date() != moment.date():
        raise ValueError(f"{text!r} does not tell the day; it needs a month (%m) and a day (%d)")
    if again.hour not in {0, moment.hour}:
        raise ValueError(f"{text!r} does not tell morning from afternoon; use %H, or %I with %p")


def needs_zone(text: str) -> bool:
    """Whether times of this format leave open which clock they follow."""
    return text != "unix" and "z" not in _directives(text)


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


class TimeParser:
    """Text → microseconds since 1970 UTC."""

    def __init__(self, time_format: str, zone: str) -> None:
        self._zone = _Zone(parse_zone(zone))
        self._read = _reader(time_format)

    def parse(self, texts: Sequence[str], order: Order) -> tuple[Times, Order]:
        """Return the time of each text without space around it, UNPARSABLE or NONEXISTENT, and the order after them.

        `order` is that after the texts before these; a clock's repeated hour is told by it.
        """
        times, is_local = self._read(texts)
        local = np.flatnonzero(is_local & (times != UNPARSABLE))
        if len(local):
            times[local] = self._zone.to_utc(times[local], order)
        good = np.flatnonzero(times > NONEXISTENT)
        return times, _order_after(times[good], order)


def _order_after(times: Times, order: Order) -> Order:
    if not len(times):
        return order
    descending = order.descending
    if descending is None:
        descending = _direction(times)
    return Order(last_us=int(times[-1]), descending=descending)


def _direction(times: Times) -> bool | None:
    """Whether most steps go down; None where there is no step."""
    steps = np.sign(np.diff(times))
    return bool(steps.sum() < 0) if steps.any() else None


class _Zone:
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
            descending = order.descending if order.descending is not None else _direction(local)
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


_Reader = Callable[[Sequence[str]], tuple[Times, npt.NDArray[np.bool_]]]


def _reader(time_format: str) -> _Reader:
    """Return what reads texts of a format into times, and says which are local."""
    if time_format == "iso":
        return _read_iso
    if time_format == "unix":
        return _read_unix
    return _Strptime(time_format).read


def _read_iso(texts: Sequence[str]) -> tuple[Times, npt.NDArray[np.bool_]]:
    times = np.empty(len(texts), dtype=np.int64)
    is_local = np.zeros(len(texts), dtype=bool)
    for index, text in enumerate(texts):
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            times[index] = UNPARSABLE
            continue
        times[index] = _microseconds(moment, _EPOCH)
        is_local[index] = moment.tzinfo is None
    return times, is_local


def _read_unix(texts: Sequence[str]) -> tuple[Times, npt.NDArray[np.bool_]]:
    def read(text: str) -> int:
        return round(Decimal(text) * SECOND_US) if _UNIX.fullmatch(text) else UNPARSABLE

    return np.array([read(text) for text in texts], dtype=np.int64), np.zeros(len(texts), dtype=bool)


class _Strptime:
    """Reads one strptime format; where date and time stand on either side of a space, each half is read only once."""

    def __init__(self, time_format: str) -> None:
        self._format = time_format
        self._is_local = "z" not in _directives(time_format)
        self._split: Callable[[str], tuple[str, str, str]] | None = None
        for split in (_at_first_space, _at_last_space):
            date_format, space, clock_format = split(time_format)
            if space and _directives(date_format) <= _DATE_DIRECTIVES and _directives(clock_format) <= _TIME_DIRECTIVES:
                self._split = split
                self._dates = _Halves(date_format, _EPOCH)
                self._clocks = _Halves(clock_format, _TIME_EPOCH)
                break

    def read(self, texts: Sequence[str]) -> tuple[Times, npt.NDArray[np.bool_]]:
        """Read texts of the format."""
        if self._split is None:
            times = np.array([self._whole(text) for text in texts], dtype=np.int64)
        else:
            dates, clocks = self._dates, self._clocks
            halves = map(self._split, texts)
            times = np.array([dates[date] + clocks[clock] for date, _, clock in halves], dtype=np.int64)
            for index in np.flatnonzero(times <= _BAD_HALF // 2).tolist():
                times[index] = self._whole(texts[index])
        return times, np.full(len(texts), self._is_local)

    def _whole(self, text: str) -> int:
        try:
            return _microseconds(datetime.strptime(text, self._format), _EPOCH)  # noqa: DTZ007
        except (ValueError, OverflowError):
            return UNPARSABLE


class _Halves(dict[str, int]):
    """Text of a date or of a time of day → microseconds; remembers what it has read."""

    def __init__(self, half_format: str, epoch: datetime) -> None:
        super().__init__()
        self._format = half_format
        self._epoch = epoch

    def __missing__(self, text: str) -> int:
        try:
            value = _microseconds(datetime.strptime(text, self._format), self._epoch)  # noqa: DTZ007
        except (ValueError, OverflowError):
            return _BAD_HALF
        if len(self) >= _MAX_REMEMBERED:
            self.clear()
        self[text] = value
        return value


def _at_first_space(text: str) -> tuple[str, str, str]:
    return text.partition(" ")


def _at_last_space(text: str) -> tuple[str, str, str]:
    return text.rpartition(" ")


def _directives(time_format: str) -> frozenset[str]:
    return frozenset(re.findall(r"%(.)", time_format)) - {"%"}


def _microseconds(moment: datetime, epoch: datetime) -> int:
    """Return the distance from `epoch`, of an aware time's UTC."""
    offset = moment.utcoffset() or timedelta()
    return (moment.replace(tzinfo=None) - epoch - offset) // _MICROSECOND
