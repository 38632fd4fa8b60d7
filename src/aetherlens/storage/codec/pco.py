"""The optional compressor pco (https://github.com/pcodec/pcodec), from the package `pcodec`."""

import numpy as np
import numpy.typing as npt

from aetherlens.storage.codec.errors import CorruptSegmentError, MissingCodecError

try:
    from pcodec import ChunkConfig, standalone
except ImportError:
    AVAILABLE = False
else:
    AVAILABLE = True

#: Of 0 to 12; beyond 8 the time doubles for a hundredth of the size.
_LEVEL = 8


def compress(column: npt.NDArray[np.int64]) -> bytes:
    """Return the column as a standalone pco file."""
    return bytes(standalone.simple_compress(column, ChunkConfig(compression_level=_LEVEL)))


def decompress(data: bytes, count: int) -> npt.NDArray[np.int64]:
    """Return the column. Raises MissingCodecError where `pcodec` is not installed, CorruptSegmentError."""
    if not AVAILABLE:
        raise MissingCodecError("this segment was written with pco: install it with: pip install pcodec")
    try:
        column = standalone.simple_decompress(data)
    except RuntimeError as error:
        raise CorruptSegmentError(f"pco: {error}") from error
    if column is None or column.dtype != np.int64 or len(column) != count:
        raise CorruptSegmentError("pco: another column than was announced")
    return np.asarray(column)
