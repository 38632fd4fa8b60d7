"""Metric types, their canonical units, and exact conversion into them."""

import math
from decimal import Context, Decimal
from typing import NamedTuple


class UnitError(ValueError):
    """The unit does not fit the metric type; the message says which do."""


class Conversion(NamedTuple):
    """How a number in one unit becomes canonical: value · factor · 10^exponent + offset."""

    factor: int
    exponent: int
    offset: float


IDENTITY = Conversion(1, 0, 0.0)

#: Dimension → unit → conversion to the dimension's first unit, which is the canonical one.
_DIMENSIONS: dict[str, dict[str, Conversion]] = {
    "power": {
        "W": IDENTITY,
        "mW": Conversion(1, -3, 0.0),
        "kW": Conversion(1, 3, 0.0),
        "MW": Conversion(1, 6, 0.0),
        "Wh/min": Conversion(60, 0, 0.0),  # energy of a minute, as its mean power
    },
    "energy": {
        "kWh": IDENTITY,
        "Wh": Conversion(1, -3, 0.0),
        "MWh": Conversion(1, 3, 0.0),
        "mWh": Conversion(1, -6, 0.0),
    },
    "apparent_power": {"VA": IDENTITY, "kVA": Conversion(1, 3, 0.0)},
    "reactive_power": {"var": IDENTITY, "kvar": Conversion(1, 3, 0.0)},
    "voltage": {"V": IDENTITY, "mV": Conversion(1, -3, 0.0), "kV": Conversion(1, 3, 0.0)},
    "current": {"A": IDENTITY, "mA": Conversion(1, -3, 0.0)},
    "frequency": {"Hz": IDENTITY, "mHz": Conversion(1, -3, 0.0)},
    "ratio": {"1": IDENTITY, "%": Conversion(1, -2, 0.0)},
    "percent": {"%": IDENTITY, "1": Conversion(1, 2, 0.0)},
    "temperature": {"°C": IDENTITY, "C": IDENTITY, "K": Conversion(1, 0, -273.15)},
    "volume": {"m³": IDENTITY, "m3": IDENTITY, "L": Conversion(1, -3, 0.0), "l": Conversion(1, -3, 0.0)},
    "carbon_intensity": {"g/kWh": IDENTITY, "kg/MWh": IDENTITY},
    "irradiance": {"W/m²": IDENTITY, "W/m2": IDENTITY},
    "signal_strength": {"dBm": IDENTITY},
    "state": {"1": IDENTITY},
}

#: Metric type → dimension. Types that are not named here are stored in the unit they come with.
METRIC_TYPES: dict[str, str] = {
    "power": "power",
    "apparent_power": "apparent_power",
    "reactive_power": "reactive_power",
    "energy": "energy",
    "energy_export": "energy",
    "voltage": "voltage",
    "current": "current",
    "frequency": "frequency",
    "power_factor": "ratio",
    "state_of_charge": "percent",
    "temperature": "temperature",
    "humidity": "percent",
    "gas_volume": "volume",
    "water_volume": "volume",
    "carbon_intensity": "carbon_intensity",
    "irradiance": "irradiance",
    "signal_strength": "signal_strength",
    "state": "state",
}

#: Wide enough for every digit between 1e999 and 1e-999; what overflows becomes infinite instead of raising.
_EXACT = Context(prec=2200, traps=[])

#: Longest unit of a metric type of the user's own.
MAX_UNIT_LENGTH = 16


def canonical(metric_type: str, unit: str | None) -> tuple[str, Conversion]:
    """Return the unit a metric is stored in and the conversion into it. Raises UnitError.

    A metric type that is not in METRIC_TYPES keeps the unit it comes with, ``1`` where it has none.
    """
    dimension = METRIC_TYPES.get(metric_type)
    if dimension is None:
        if unit is not None and not (0 < len(unit) <= MAX_UNIT_LENGTH and unit.isprintable() and unit == unit.strip()):
            raise UnitError(f"a unit has 1 to {MAX_UNIT_LENGTH} printable characters, no space around them")
        return unit or "1", IDENTITY
    units = _DIMENSIONS[dimension]
    target = next(iter(units))
    if unit is None:
        return target, IDENTITY
    conversion = units.get(unit)
    if conversion is None:
        raise UnitError(f"{metric_type} is measured in {', '.join(units)}, not in {unit[:MAX_UNIT_LENGTH]!r}")
    return target, conversion


def convert(value: float, conversion: Conversion) -> float:
    """Return the float64 nearest to the exact decimal result, so that 1.001 kW is 1001 W and not a hair less."""
    if conversion is IDENTITY or not math.isfinite(value):
        return value
    return convert_decimal(Decimal(repr(value)), conversion)


def convert_decimal(value: Decimal, conversion: Conversion) -> float:
    """Return the float64 nearest to the exact result, infinite where that is too large.

    Exact for numbers of up to a hundred digits and exponents of up to three.
    """
    if conversion is IDENTITY:
        return float(value)
    exact = _EXACT.scaleb(_EXACT.multiply(value, conversion.factor), conversion.exponent)
    return float(_EXACT.add(exact, Decimal(repr(conversion.offset))) if conversion.offset else exact)
