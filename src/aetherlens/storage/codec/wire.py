"""Whole numbers in a row of bytes, small ones in few: LEB128, https://en.wikipedia.org/wiki/LEB128."""

from aetherlens.storage.codec.errors import CorruptSegmentError

_MASK = 2**64 - 1


def unsigned(number: int) -> bytes:
    """Encode 0 to 2⁶⁴ − 1."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def signed(number: int) -> bytes:
    """Encode −2⁶³ to 2⁶³ − 1."""
    return unsigned((number << 1 ^ number >> 63) & _MASK)


class Reader:
    """Reads from the front; raises CorruptSegmentError where the bytes end too early."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, length: int) -> bytes:
        """Return so many bytes."""
        end = self._at + length
        if end > len(self._data):
            raise CorruptSegmentError("the segment ends too early")
        piece = self._data[self._at : end]
        self._at = end
        return piece

    def byte(self) -> int:
        """Return one byte as a number."""
        return self.take(1)[0]

    def unsigned(self) -> int:
        """Return a number that `unsigned` encoded."""
        number = 0
        for shift in range(0, 64, 7):
            byte = self.byte()
            number |= (byte & 0x7F) << shift
            if byte <= 0x7F:
                return number & _MASK
        raise CorruptSegmentError("a number without an end")

    def signed(self) -> int:
        """Return a number that `signed` encoded."""
        number = self.unsigned()
        return number >> 1 ^ -(number & 1)

    def finish(self) -> None:
        """Raise CorruptSegmentError where bytes are left."""
        if self._at != len(self._data):
            raise CorruptSegmentError("the segment has bytes too many")
