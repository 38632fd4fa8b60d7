"""Units convert exactly, and a wrong one is told with the right ones."""

import math
from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aetherlens.domain.units import (
    IDENTITY,
    MAX_UNIT_LENGTH,
    METRIC_TYPES,
    UnitError,
    canonical,
    convert,
    convert_decimal,
)

#: Unit of a type → exact factor and offset to the canonical unit, written down once more and independently.
EXPECTED = {
    ("power", "mW"): ("0.001", "0"),
    ("power", "kW"): ("1000", "0"),
    ("power", "MW"): ("1000000", "0"),
    ("power", "Wh/min"): ("60", "0"),
    ("energy", "Wh"): ("0.001", "0"),
    ("energy", "mWh"): ("0.000001", "0"),
    ("energy", "MWh"): ("1000", "0"),
    ("energy_export", "Wh"): ("0.001", "0"),
    ("apparent_power", "kVA"): ("1000", "0"),
    ("reactive_power", "kvar"): ("1000", "0"),
    ("voltage", "mV"): ("0.001", "0"),
    ("voltage", "kV"): ("1000", "0"),
    ("current", "mA"): ("0.001", "0"),
    ("frequency", "mHz"): ("0.001", "0"),
    ("power_factor", "%"): ("0.01", "0"),
    ("state_of_charge", "1"): ("100", "0"),
    ("humidity", "1"): ("100", "0"),
    ("temperature", "K"): ("1", "-273.15"),
    ("gas_volume", "L"): ("0.001", "0"),
    ("water_volume", "l"): ("0.001", "0"),
}

finite = st.floats(allow_nan=False, allow_infinity=False)


def exactly(value: float, factor: str, offset: str) -> float:
    """Compute with as many digits as it takes and round once."""
    with localcontext() as context:
        context.prec = 3000
        return float(Decimal(repr(value)) * Decimal(factor) + Decimal(offset))


@given(st.sampled_from(sorted(EXPECTED)), finite)
def test_conversion_is_exact_decimal_arithmetic_rounded_once(case: tuple[str, str], value: float) -> None:
    _, conversion = canonical(*case)
    assert convert(value, conversion) == exactly(value, *EXPECTED[case])


@given(st.sampled_from(sorted(EXPECTED)), st.decimals(allow_nan=False, allow_infinity=False, places=9))
def test_decimals_convert_as_exactly(case: tuple[str, str], value: Decimal) -> None:
    _, conversion = canonical(*case)
    with localcontext() as context:
        context.prec = 3000
        factor, offset = EXPECTED[case]
        assert convert_decimal(value, conversion) == float(value * Decimal(factor) + Decimal(offset))


@pytest.mark.parametrize(
    ("metric_type", "unit", "value", "stored"),
    [
        ("power", "kW", 1.001, 1001.0),
        ("power", "kW", 4.035, 4035.0),
        ("energy", "Wh", 1234.5, 1.2345),
        ("temperature", "K", 293.15, 20.0),
        ("power_factor", "%", 97.3, 0.973),
    ],
)
def test_what_reads_round_is_stored_round(metric_type: str, unit: str, value: float, stored: float) -> None:
    assert convert(value, canonical(metric_type, unit)[1]) == stored


@pytest.mark.parametrize("metric_type", sorted(METRIC_TYPES))
def test_no_unit_means_the_canonical_one_which_needs_no_conversion(metric_type: str) -> None:
    unit, conversion = canonical(metric_type, None)
    assert conversion is IDENTITY
    assert canonical(metric_type, unit) == (unit, IDENTITY)


@given(finite)
def test_a_canonical_value_is_left_bit_for_bit(value: float) -> None:
    assert convert(value, IDENTITY).hex() == value.hex()


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_stays_so(value: float) -> None:
    converted = convert(value, canonical("power", "kW")[1])
    assert not math.isfinite(converted)


def test_a_value_too_large_for_the_canonical_unit_becomes_infinite() -> None:
    assert convert(1e308, canonical("power", "kW")[1]) == math.inf


@pytest.mark.parametrize(
    ("metric_type", "unit"), [("power", "kWh"), ("energy", "W"), ("voltage", "volt"), ("power", "")]
)
def test_a_wrong_unit_is_told_with_the_right_ones(metric_type: str, unit: str) -> None:
    with pytest.raises(UnitError) as caught:
        canonical(metric_type, unit)
    right = canonical(metric_type, None)[0]
    assert f"{metric_type} is measured in {right}, " in str(caught.value)
    assert repr(unit) in str(caught.value)


def test_an_endless_unit_is_not_repeated_in_the_message() -> None:
    with pytest.raises(UnitError) as caught:
        canonical("power", "x" * 100_000)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("unit", ["ppm", "m/s", "µg/m³", "x" * MAX_UNIT_LENGTH])
def test_an_unknown_type_keeps_its_unit(unit: str) -> None:
    assert canonical("my_own_metric", unit) == (unit, IDENTITY)


def test_an_unknown_type_without_a_unit_is_a_plain_number() -> None:
    assert canonical("my_own_metric", None) == ("1", IDENTITY)


@pytest.mark.parametrize(
    "unit", ["", " ", "x" * (MAX_UNIT_LENGTH + 1), "x" + " " * 100, " x", "a\nb", "a\0b", "\x1b[31m"]
)
def test_the_unit_of_an_unknown_type_is_short_and_printable(unit: str) -> None:
    with pytest.raises(UnitError, match="1 to 16 printable characters"):
        canonical("my_own_metric", unit)
