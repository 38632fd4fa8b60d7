"""Times of a CSV file, from text to microseconds since 1970 UTC."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from aetherlens.collector.csv_import.zones import NONEXISTENT, UNPARSABLE, Order, Times, Zone, direction, parse_zone
from aetherlens.lib.clock import SECOND_US

_MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - local times, before their zone is known
#: Where a strptime format without a date begins.
_TIME_EPOCH = datetime(1900, 1, 1)  # noqa: DTZ001

_UNIX = re.compile(r"[+-]?[0-9]{1,12}(?:\.[0-9]{1,20})?")

_DATE_DIRECTIVES = frozenset("YymdbBjaA")
_TIME_DIRECTIVES = frozenset("HIMSfpz")
#: More remembered halves of a time than any day has seconds would only cost memory.
_MAX_REMEMBERED = 100_000
#: Half a time that cannot be read; twice it is still a number, and less than any time.
_BAD_HALF = -(2**61)


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


class TimeParser:
    """Text → microseconds since 1970 UTC."""

    def __init__(self, time_format: str, zone: str) -> None:
        self._zone = Zone(parse_zone(zone))
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
        descending = direction(times)
    return Order(last_us=int(times[-1]), descending=descending)


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
