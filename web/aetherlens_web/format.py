"""How numbers and times are written; static/js/format.js writes them alike, and a test holds the two together."""

from datetime import datetime, timedelta, tzinfo
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

#: Between a number and its unit: thin, and no line break.
THIN_SPACE = "\u202f"
MINUS = "\u2212"
#: What stands where no value is known.
UNKNOWN = "\u2013"
#: Readings older than this are shown dimmed, with their age.
STALE_AFTER = timedelta(seconds=60)


class Quantity(NamedTuple):
    """A number and its unit, both as text, so that templates can set the unit smaller."""

    number: str
    unit: str

    def __str__(self) -> str:
        return f"{self.number}{THIN_SPACE}{self.unit}" if self.unit else self.number


def power(watts: float | None) -> Quantity:
    """Power: W below 1 kW, then kW with two decimals below 10 kW and one above."""
    if watts is None:
        return Quantity(UNKNOWN, "")
    size = abs(watts)
    if size < 999.5:
        text, unit = _fixed(size, 0), "W"
    else:
        text, unit = _fixed(size / 1000, 2), "kW"
        if float(text) >= 10:
            text = _fixed(size / 1000, 1)
    is_negative = watts < 0 and text != "0"
    return Quantity((MINUS if is_negative else "") + text, unit)


def kilowatts(watts: float | None) -> str:
    """Power as a bare number of kW with two decimals, for the columns of a table."""
    if watts is None:
        return UNKNOWN
    text = _fixed(abs(watts) / 1000, 2)
    return (MINUS if watts < 0 and text != "0.00" else "") + text


def percent(share: float) -> Quantity:
    """A share between 0 and 1, without decimals."""
    return Quantity(_fixed(share * 100, 0), "%")


def _fixed(value: float, decimals: int) -> str:
    """Round halves up, as browsers do: 212.5 W must not read 212 here and 213 there."""
    return str(Decimal(value).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP))


def ago(moment: datetime, now: datetime, zone: tzinfo) -> str:
    """When something happened: relative up to an hour, then the home's clock, after a day with the date."""
    seconds = max(0, int((now - moment).total_seconds()))
    if seconds < 60:
        return f"{seconds}{THIN_SPACE}s ago"
    if seconds < 3600:
        return f"{seconds // 60}{THIN_SPACE}min ago"
    local = moment.astimezone(zone)
    clock = local.strftime("at %H:%M")
    return clock if seconds < 86400 else f"on {local.day} {local.strftime('%b')} {clock}"


def is_stale(moment: datetime, now: datetime) -> bool:
    """Whether a reading is too old to pass for the present."""
    return now - moment > STALE_AFTER
