"""Floating-point values as integers and back, bit for bit."""

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
Column = npt.NDArray[np.int64]

#: Kind of a column that holds the values' own bits; smaller kinds are the decimals of scaled integers.
BITS = 255

#: Readings have few decimals: a kWh counter in steps of a mWh has six.
MAX_DECIMALS = 9

#: Beyond it not every integer is a float64.
_EXACT = 2.0**53

#: So many values are tried first; most wrong scales fail on them already.
_SAMPLE = 64


def to_integers(values: Values) -> tuple[int, Column]:
    """Return a kind and a column that `from_integers` turns into the same bits again."""
    for decimals in range(MAX_DECIMALS + 1):
        if _scaled(values[:_SAMPLE], decimals) is None:
            continue
        column = _scaled(values, decimals)
        if column is not None:
            return decimals, column
    return BITS, values.view(np.int64)


def from_integers(kind: int, column: Column) -> Values:
    """Undo `to_integers`."""
    if kind == BITS:
        return column.view(np.float64)
    values = column.astype(np.float64)
    # Division of two exact numbers is correctly rounded: the same float64 that the decimal number reads as.
    return values if kind == 0 else np.divide(values, 10.0**kind, out=values)


def _scaled(values: Values, decimals: int) -> Column | None:
    """Return values · 10^decimals where that loses nothing."""
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = np.rint(values * 10.0**decimals)
    if not (np.abs(scaled) <= _EXACT).all():  # false for NaN and infinity too
        return None
    column = scaled.astype(np.int64)
    same = from_integers(decimals, column).view(np.int64) == values.view(np.int64)  # tells -0.0 from 0.0
    return column if same.all() else None
