"""Numbers become the float nearest to what was written, whatever the unit."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aetherlens.collector.csv_import.values import MAX_REMEMBERED, NOT_FINITE, UNPARSABLE, ValueParser
from aetherlens.domain.units import canonical, convert

MISSING_TEXTS = ("", "?", "NA", "NaN", "null")


def parser(metric_type: str = "power", unit: str = "kW", decimal: str = ".") -> ValueParser:
    return ValueParser(canonical(metric_type, unit)[1], decimal=decimal, missing=MISSING_TEXTS)


@pytest.mark.parametrize(
    ("text", "metric_type", "unit", "value"),
    [
        ("0.226", "power", "kW", 226.0),
        ("1.001", "power", "kW", 1001.0),
        ("17", "power", "Wh/min", 1020.0),
        ("0.1", "power", "Wh/min", 6.0),
        ("243.19", "voltage", "V", 243.19),
        ("0.418", "reactive_power", "kvar", 418.0),
        ("1234567", "energy", "Wh", 1234.567),
        ("300.15", "temperature", "K", 27.0),
        ("-1.5e-3", "power", "MW", -1500.0),
        (" +.5 ", "power", "W", 0.5),
        ("5.", "power", "W", 5.0),
        ("7", "rainfall", "mm", 7.0),
    ],
)
def test_a_number_is_converted_exactly(text: str, metric_type: str, unit: str, value: float) -> None:
    assert parser(metric_type, unit)[text] == value


decimals = st.from_regex(r"[+-]?[0-9]{1,30}(\.[0-9]{0,30})?([eE][+-]?[0-9]{1,2})?", fullmatch=True).filter(str.isascii)


@given(decimals, st.sampled_from([("W", 1), ("kW", 1000), ("mW", Fraction(1, 1000)), ("MW", 10**6), ("Wh/min", 60)]))
def test_every_digit_counts(text: str, unit: tuple[str, Fraction]) -> None:
    exact = Fraction(text) * unit[1]
    assert parser(unit=unit[0])[text] == float(exact)


@given(decimals)
def test_an_offset_is_added_exactly(text: str) -> None:
    assert parser("temperature", "K")[text] == float(Fraction(text) - Fraction("273.15"))


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(["W", "kW", "mW", "Wh/min"]))
def test_a_file_and_a_plugin_that_say_the_same_are_stored_the_same(value: float, unit: str) -> None:
    converted = convert(value, canonical("power", unit)[1])
    assert parser(unit=unit)[repr(value)] == (converted if math.isfinite(converted) else NOT_FINITE)


@pytest.mark.parametrize("text", [*MISSING_TEXTS, "  ", " NA "])
def test_no_value_is_no_fault(text: str) -> None:
    assert math.isnan(parser()[text])


@pytest.mark.parametrize(
    "text",
    ["24x.1", "1,5", "1 000", "1_000", "0x10", "--1", "1e", "1e1000", "٣", "\0", "�", "1.2.3", "9" * 101, ".", "N/A"],
)
def test_what_is_no_number_is_unparsable(text: str) -> None:
    assert parser()[text] == UNPARSABLE


@pytest.mark.parametrize("text", ["inf", "-Infinity", "nan", "1e400", "-9e308"])
def test_what_no_float_can_hold_is_not_finite(text: str) -> None:
    assert parser()[text] == NOT_FINITE


def test_a_decimal_comma_takes_the_place_of_the_point() -> None:
    by_comma = parser(decimal=",")
    assert by_comma["0,226"] == 226.0
    assert by_comma["0.226"] == UNPARSABLE
    assert by_comma["1.234,5"] == UNPARSABLE


def test_what_is_remembered_is_bounded() -> None:
    many = parser()
    texts = [str(number) for number in range(MAX_REMEMBERED + 10)]
    assert many.parse(texts).tolist() == [number * 1000.0 for number in range(len(texts))]
    assert len(many) <= MAX_REMEMBERED
    long = "1." + "0" * 90
    assert many[long] == 1000.0
    assert long not in many.keys()  # noqa: SIM118 - `in` asks the dictionary without its __missing__
