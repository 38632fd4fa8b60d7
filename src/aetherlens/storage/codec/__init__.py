"""Samples of one series as a segment of few bytes, and back, bit for bit.

codec   1 byte      1: zlib, of the standard library, only; 2: at least one column is packed by pco
check   4 bytes     CRC-32 of codec and all that follows check, little-endian
count   LEB128
times   a column, see integers.py: microseconds since 1970 UTC
kind    1 byte      what the integers of the values stand for, see values.py
values  a column
"""

import zlib
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from aetherlens.storage.codec import pco
from aetherlens.storage.codec.errors import CodecError, CorruptSegmentError, MissingCodecError
from aetherlens.storage.codec.integers import pack, unpack
from aetherlens.storage.codec.values import BITS, MAX_DECIMALS, from_integers, to_integers
from aetherlens.storage.codec.wire import Reader, unsigned

__all__ = [
    "MAX_SAMPLES", "PCO", "ZLIB", "CodecError", "Columns", "CorruptSegmentError", "MissingCodecError", "best_codec",
    "decode", "encode",
]  # fmt: skip

ZLIB = 1
PCO = 2

#: Of one segment: sixteen days, a sample every ten milliseconds.
MAX_SAMPLES = 16 * 86_400 * 100

_CHECK_END = 5


class Columns(NamedTuple):
    """Samples of one series by time; both columns have the same length."""

    #: Microseconds since 1970 UTC.
    ts_us: npt.NDArray[np.int64]
    #: In the series' unit.
    values: npt.NDArray[np.float64]


def best_codec() -> int:
    """Return the codec that packs best of those this installation has."""
    return PCO if pco.AVAILABLE else ZLIB


def encode(columns: Columns, codec: int) -> bytes:
    """Return a segment of 1 to MAX_SAMPLES samples. PCO, which needs `pcodec`, is used where it is shorter."""
    times, pco_times = pack(columns.ts_us, with_pco=codec == PCO)
    kind, integers = to_integers(np.ascontiguousarray(columns.values))
    values, pco_values = pack(integers, with_pco=codec == PCO)
    used = PCO if pco_times or pco_values else ZLIB
    rest = b"".join((unsigned(len(columns.ts_us)), times, bytes([kind]), values))
    return bytes([used]) + _check(used, rest) + rest


def decode(data: bytes) -> Columns:
    """Return the samples of a segment. Raises CorruptSegmentError, MissingCodecError."""
    if len(data) <= _CHECK_END:
        raise CorruptSegmentError("the segment ends too early")
    codec, rest = data[0], data[_CHECK_END:]
    if data[1:_CHECK_END] != _check(codec, rest):
        raise CorruptSegmentError("the checksum is wrong")
    if codec not in {ZLIB, PCO}:
        raise CorruptSegmentError(f"there is no codec {codec}")
    reader = Reader(rest)
    count = reader.unsigned()
    if not 0 < count <= MAX_SAMPLES:
        raise CorruptSegmentError(f"a segment of {count} samples")
    ts_us = unpack(reader, count)
    kind = reader.byte()
    if kind > MAX_DECIMALS and kind != BITS:
        raise CorruptSegmentError(f"there is no kind {kind} of values")
    values = from_integers(kind, unpack(reader, count))
    reader.finish()
    return Columns(ts_us, values)


def _check(codec: int, rest: bytes) -> bytes:
    return zlib.crc32(rest, zlib.crc32(bytes([codec]))).to_bytes(4, "little")
