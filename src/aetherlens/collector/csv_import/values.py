"""Numbers of a CSV file, from text to canonical floats without losing a digit."""

import math
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from aetherlens.domain.units import Conversion, convert_decimal

#: What stands in the place of a value; a stored value is always finite.
MISSING = math.nan
UNPARSABLE = math.inf
NOT_FINITE = -math.inf

#: Texts remembered per conversion; meters repeat themselves, and the rest costs about a microsecond each.
MAX_REMEMBERED = 65_536
#: Longer cells are no numbers.
MAX_NUMBER_LENGTH = 100
_REMEMBERED_LENGTH = 32

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_ENDLESS = re.compile(r"[+-]?(?:nan|inf(?:inity)?)", re.IGNORECASE)


class ValueParser(dict[str, float]):
    """Text → value in the canonical unit, MISSING, UNPARSABLE or NOT_FINITE; remembers what it has seen."""

    def __init__(self, conversion: Conversion, *, decimal: str, missing: Iterable[str]) -> None:
        """`decimal` is the decimal sign, ``.`` or ``,``; `missing` are the texts that stand for no value."""
        super().__init__()
        self._conversion = conversion
        self._decimal = decimal
        self._missing = frozenset(missing)

    def parse(self, texts: Sequence[str]) -> npt.NDArray[np.float64]:
        """Return the value of each text."""
        return np.fromiter(map(self.__getitem__, texts), np.float64, len(texts))

    def __missing__(self, text: str) -> float:
        value = self._convert(text.strip())
        if len(text) <= _REMEMBERED_LENGTH:
            if len(self) >= MAX_REMEMBERED:
                self.clear()
            self[text] = value
        return value

    def _convert(self, text: str) -> float:
        if text in self._missing:
            return MISSING
        if len(text) > MAX_NUMBER_LENGTH:
            return UNPARSABLE
        if self._decimal != ".":
            if "." in text:
                return UNPARSABLE
            text = text.replace(self._decimal, ".")
        if _NUMBER.fullmatch(text):
            value = convert_decimal(Decimal(text), self._conversion)
            return value if math.isfinite(value) else NOT_FINITE
        return NOT_FINITE if _ENDLESS.fullmatch(text) else UNPARSABLE
