"""Every sample comes back bit for bit, and bytes that are not what was written never become samples."""

import math
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from aetherlens.lib.clock import DAY_US, SECOND_US
from aetherlens.storage.codec import (
    MAX_SAMPLES,
    PCO,
    ZLIB,
    Columns,
    CorruptSegmentError,
    MissingCodecError,
    best_codec,
    decode,
    encode,
    pco,
)
from aetherlens.storage.codec.values import BITS, to_integers
from aetherlens.storage.codec.wire import unsigned

MIDNIGHT_US = 20_000 * DAY_US

CODECS = [ZLIB, pytest.param(PCO, marks=pytest.mark.skipif(not pco.AVAILABLE, reason="pcodec is not installed"))]


def columns(ts_us: Any, values: Any) -> Columns:
    return Columns(np.array(ts_us, dtype=np.int64), np.array(values, dtype=np.float64))


def grid(values: Any, step_s: float = 60) -> Columns:
    return columns(MIDNIGHT_US + np.arange(len(values)) * round(step_s * SECOND_US), values)


def assert_comes_back(given_columns: Columns, codec: int) -> bytes:
    data = encode(given_columns, codec)
    ts_us, values = decode(data)
    assert ts_us.dtype == np.int64
    assert values.dtype == np.float64
    np.testing.assert_array_equal(ts_us, given_columns.ts_us)
    np.testing.assert_array_equal(values.view(np.int64), given_columns.values.view(np.int64))
    return data


int64 = st.integers(-(2**63), 2**63 - 1)
decimals = st.builds(lambda number, places: number / 10.0**places, st.integers(-(10**9), 10**9), st.integers(0, 6))
some_floats = st.one_of(st.floats(width=64), decimals, st.sampled_from([0.0, -0.0, 5e-324, 2.0**53, 2.0**53 + 2]))


@pytest.mark.parametrize("codec", CODECS)
@given(rows=st.lists(st.tuples(int64, some_floats), min_size=1, max_size=300))
@example(rows=[(-(2**63), -0.0), (2**63 - 1, 0.0)])
@example(rows=[(0, math.nan), (1, math.inf), (2, -math.inf)])
@settings(deadline=None)
def test_any_times_and_floats_come_back_bit_for_bit(codec: int, rows: list[tuple[int, float]]) -> None:
    assert_comes_back(columns(*zip(*rows, strict=True)), codec)


@pytest.mark.parametrize("codec", CODECS)
@given(bits=npst.arrays(np.int64, st.integers(1, 200), elements=int64))
@settings(deadline=None)
def test_any_bits_of_a_float_come_back(codec: int, bits: np.ndarray[Any, np.dtype[np.int64]]) -> None:
    assert_comes_back(grid(bits.view(np.float64)), codec)


@pytest.mark.parametrize("codec", CODECS)
@given(
    steps_us=st.lists(st.integers(1, 10 * SECOND_US), min_size=1, max_size=300),
    hundredths=st.lists(st.integers(-30_000, 30_000), min_size=300, max_size=300),
)
@settings(deadline=None)
def test_readings_at_their_own_times_come_back(codec: int, steps_us: list[int], hundredths: list[int]) -> None:
    values = np.array(hundredths[: len(steps_us)]) / 100
    assert_comes_back(columns(MIDNIGHT_US + np.cumsum(steps_us), values), codec)


@given(places=st.integers(0, 9), numbers=st.lists(st.integers(-(2**31), 2**31), min_size=1, max_size=100))
def test_readings_of_few_decimals_become_integers(places: int, numbers: list[int]) -> None:
    kind, integers = to_integers(np.array(numbers) / 10.0**places)
    assert kind <= places
    assert [number / 10**kind for number in integers.tolist()] == [number / 10**places for number in numbers]


@pytest.mark.parametrize("odd", [-0.0, 0.1 + 0.2, math.pi, 5e-324, 1e300, math.nan])
def test_one_value_that_is_no_decimal_keeps_the_bits_of_all(odd: float) -> None:
    assert to_integers(np.array([1.5, 2.25, odd]))[0] == BITS


@pytest.mark.parametrize("codec", CODECS)
def test_the_times_of_a_poll_grid_cost_next_to_nothing(codec: int) -> None:
    assert len(assert_comes_back(grid(np.full(8640, 230.1), step_s=10), codec)) < 50


@pytest.mark.parametrize("codec", CODECS)
def test_missed_polls_cost_little(codec: int) -> None:
    polled = np.delete(np.arange(8640), [7, 100, 101, 4000])
    times = MIDNIGHT_US + polled * 10 * SECOND_US
    assert len(assert_comes_back(columns(times, np.full(len(times), 1.0)), codec)) < 150


def test_times_and_values_of_a_real_kind_are_small() -> None:
    random = np.random.default_rng(1)
    power = np.round(np.abs(np.cumsum(random.normal(0, 3, 8640))), 1)
    assert len(assert_comes_back(grid(power, step_s=10), ZLIB)) < 1.1 * 8640


SAMPLE = encode(grid([230.1, 229.9, 231.0, 0.1 + 0.2, 7.0]), ZLIB)


@given(at=st.integers(0, len(SAMPLE) - 1), flip=st.integers(1, 255))
def test_a_changed_byte_is_noticed(at: int, flip: int) -> None:
    damaged = bytearray(SAMPLE)
    damaged[at] ^= flip
    with pytest.raises(CorruptSegmentError):
        decode(bytes(damaged))


@pytest.mark.parametrize("length", range(len(SAMPLE)))
def test_a_cut_segment_is_noticed(length: int) -> None:
    with pytest.raises(CorruptSegmentError):
        decode(SAMPLE[:length])


@given(st.binary(max_size=200))
def test_other_bytes_are_no_segment(data: bytes) -> None:
    with pytest.raises(CorruptSegmentError):
        decode(data)


def sealed(codec: int, rest: bytes) -> bytes:
    """Return a segment of any content whose checksum is right."""
    return bytes([codec]) + struct.pack("<I", zlib.crc32(rest, zlib.crc32(bytes([codec])))) + rest


@pytest.mark.parametrize("codec", [ZLIB, PCO])
@given(at=st.integers(1, len(SAMPLE) - 6), flip=st.integers(1, 255), cut=st.integers(0, 40))
@settings(deadline=None)
def test_nonsense_under_a_right_checksum_raises_or_has_the_right_shape(
    codec: int, at: int, flip: int, cut: int
) -> None:
    rest = bytearray(SAMPLE[5:])
    rest[at] ^= flip
    try:
        ts_us, values = decode(sealed(codec, bytes(rest[: len(rest) - cut])))
    except (CorruptSegmentError, MissingCodecError):
        return
    assert len(ts_us) == len(values) > 0


def test_an_unknown_codec_is_refused() -> None:
    with pytest.raises(CorruptSegmentError, match="no codec 9"):
        decode(sealed(9, SAMPLE[5:]))


def test_pco_that_is_not_installed_is_said_and_is_no_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pco, "AVAILABLE", False)
    packed_by_pco = bytes([2]) + bytes([0, 1, 3, 1, 0])  # two times from 0 on, in steps of 1, one byte of pco
    with pytest.raises(MissingCodecError, match="pip install pcodec"):
        decode(sealed(PCO, packed_by_pco))
    assert best_codec() == ZLIB


@pytest.mark.parametrize("count", [0, MAX_SAMPLES + 1, 2**62])
def test_a_count_that_cannot_be_is_refused(count: int) -> None:
    with pytest.raises(CorruptSegmentError, match=f"of {count} samples"):
        decode(sealed(ZLIB, unsigned(count) + SAMPLE[6:]))


@pytest.mark.skipif(not pco.AVAILABLE, reason="pcodec is not installed")
def test_pco_is_named_only_where_it_was_used() -> None:
    assert best_codec() == PCO
    noise = np.random.default_rng(2).normal(0, 1000, 5000).round(1)
    constant = np.full(5000, 7.0)
    assert [encode(grid(values), PCO)[0] for values in (noise, constant)] == [PCO, ZLIB]
    assert len(encode(grid(noise), PCO)) < len(encode(grid(noise), ZLIB))
