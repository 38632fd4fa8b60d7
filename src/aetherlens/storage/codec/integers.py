"""A column of 64-bit integers in few bytes.

Offsets from the first number are divided by their greatest common divisor, so that a poll grid becomes 0, 1, 2 … and a
meter's steps of 0.2 A become small numbers. Of those the numbers themselves, their differences and the differences of
the differences are tried, each as bytes of equal rank together under zlib; and pco. The shortest is kept. A regular
column has no residue at all and costs no bytes beyond its head.

Arithmetic wraps around at 2⁶⁴, so every column comes back, whatever its numbers are.
"""

import zlib

import numpy as np
import numpy.typing as npt

from aetherlens.storage.codec import pco
from aetherlens.storage.codec.errors import CorruptSegmentError
from aetherlens.storage.codec.wire import Reader, signed, unsigned

Column = npt.NDArray[np.int64]
_Residue = npt.NDArray[np.uint64]

_ORDERS = (0, 1, 2)
_PCO = 3

_ZLIB_LEVEL = 9


def pack(column: Column, *, with_pco: bool) -> tuple[bytes, bool]:
    """Encode at least one number; tell whether pco is needed to decode it."""
    first = int(column[0])
    divisor, units = _units(column)
    bodies = [_pack_residue(order, units) for order in _ORDERS]
    if with_pco and len(units):
        packed = pco.compress(units)
        bodies.append(bytes([_PCO]) + unsigned(len(packed)) + packed)
    shortest = min(bodies, key=len)
    return signed(first) + unsigned(divisor) + shortest, shortest[0] == _PCO


def unpack(reader: Reader, count: int) -> Column:
    """Decode a column of `count` numbers. Raises CorruptSegmentError, MissingCodecError."""
    first, divisor, method = reader.signed(), reader.unsigned(), reader.byte()
    if divisor >= 2**63:
        raise CorruptSegmentError("a divisor beyond all differences")
    column = np.empty(count, dtype=np.int64)
    column[0] = 0
    if method == _PCO:
        column[1:] = pco.decompress(reader.take(reader.unsigned()), count - 1)
    elif method in _ORDERS:
        _unpack_residue(reader, method, column)
    else:
        raise CorruptSegmentError(f"there is no packing {method}")
    column *= np.int64(divisor)
    column += np.int64(first)
    return column


def _units(column: Column) -> tuple[int, Column]:
    """Return the offsets of all but the first from the first, divided by their common divisor, and that divisor."""
    offsets = column[1:] - column[0]
    if int(column.max()) - int(column.min()) >= 2**63:
        return 1, offsets  # the differences have wrapped around and cannot be divided
    divisor = int(np.gcd.reduce(offsets)) if len(offsets) else 1
    return (divisor, offsets // divisor) if divisor > 1 else (1, offsets)


def _pack_residue(order: int, units: Column) -> bytes:
    if order == 0:
        base = int(units.min()) if len(units) else 0
        residue = (units - np.int64(base)).view(np.uint64)
    else:
        steps = np.diff(units, prepend=np.int64(0))
        base = int(np.partition(steps, len(steps) // 2)[len(steps) // 2]) if len(steps) else 0
        rest = steps - np.int64(base)
        residue = _zigzag(rest if order == 1 else np.diff(rest, prepend=np.int64(0)))
    width = (int(residue.max()).bit_length() + 7) // 8 if len(residue) else 0
    head = bytes([order]) + signed(base) + bytes([width])
    if not width:
        return head
    planes = np.ascontiguousarray(residue.astype("<u8", copy=False).view(np.uint8).reshape(-1, 8)[:, :width].T)
    packed = zlib.compress(planes.tobytes(), _ZLIB_LEVEL)
    return head + unsigned(len(packed)) + packed


def _unpack_residue(reader: Reader, order: int, column: Column) -> None:
    """Fill the column, of which the first number is set."""
    base, width, rest = reader.signed(), reader.byte(), column[1:]
    residue = _inflate(reader, width, len(rest)) if width else np.zeros(len(rest), dtype=np.uint64)
    if order == 0:
        np.add(residue.view(np.int64), np.int64(base), out=rest)
        return
    steps = _unzigzag(residue)
    if order == 2:
        np.cumsum(steps, out=steps)
    steps += np.int64(base)
    np.cumsum(steps, out=rest)


def _inflate(reader: Reader, width: int, count: int) -> _Residue:
    if width > 8:
        raise CorruptSegmentError(f"numbers of {width} bytes")
    try:
        planes = np.frombuffer(zlib.decompress(reader.take(reader.unsigned())), dtype=np.uint8)
    except zlib.error as error:
        raise CorruptSegmentError(f"zlib: {error}") from error
    if len(planes) != width * count:
        raise CorruptSegmentError("another count than was announced")
    residue = np.zeros((count, 8), dtype=np.uint8)
    residue[:, :width] = planes.reshape(width, count).T
    return residue.reshape(-1).view("<u8").astype(np.uint64, copy=False)


def _zigzag(numbers: Column) -> _Residue:
    """Map 0, −1, 1, −2 … to 0, 1, 2, 3 …."""
    return ((numbers << np.int64(1)) ^ (numbers >> np.int64(63))).view(np.uint64)


def _unzigzag(residue: _Residue) -> Column:
    halves = (residue >> np.uint64(1)).view(np.int64)
    return halves ^ -(residue & np.uint64(1)).view(np.int64)
