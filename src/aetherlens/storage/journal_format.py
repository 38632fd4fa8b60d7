"""How records lie in a journal file: a head with checksums, then the payload.

Head, little-endian: magic, length of the payload in bytes, sequence number, CRC-32 of the payload, CRC-32 of the head
before it. Sequence numbers rise through a file. What the checksums do not confirm is passed over; reading goes on at
the next sound record.
"""

import struct
import zlib

import msgspec

MAGIC = b"ALJ1"

_HEAD = struct.Struct("<4sIQI")
_CHECKSUM = struct.Struct("<I")
HEAD_BYTES = _HEAD.size + _CHECKSUM.size


class Record(msgspec.Struct, frozen=True):
    """One record of a file."""

    sequence: int
    payload: bytes
    #: Position behind it in its file, in bytes.
    end: int


class Scan(msgspec.Struct, frozen=True):
    """What a file holds."""

    records: list[Record]
    #: Bytes that belong to no sound record: a torn tail, or damage.
    damaged_bytes: int


def frame(sequence: int, payload: bytes) -> bytes:
    """Return a record as it is appended to a file."""
    head = _HEAD.pack(MAGIC, len(payload), sequence, zlib.crc32(payload))
    return b"".join((head, _CHECKSUM.pack(zlib.crc32(head)), payload))


def scan(data: bytes) -> Scan:
    """Return the sound records of a file, in their order."""
    records: list[Record] = []
    position, damaged_bytes = 0, 0
    while position < len(data):
        record = _record_at(data, position)
        if record is not None and (not records or record.sequence > records[-1].sequence):
            records.append(record)
            position = record.end
            continue
        following = data.find(MAGIC, position + 1)
        following = len(data) if following < 0 else following
        damaged_bytes += following - position
        position = following
    return Scan(records, damaged_bytes)


def _record_at(data: bytes, position: int) -> Record | None:
    head_end = position + HEAD_BYTES
    if head_end > len(data):
        return None
    head = data[position : position + _HEAD.size]
    magic, length, sequence, payload_checksum = _HEAD.unpack(head)
    (head_checksum,) = _CHECKSUM.unpack_from(data, position + _HEAD.size)
    if magic != MAGIC or head_checksum != zlib.crc32(head) or head_end + length > len(data):
        return None
    payload = data[head_end : head_end + length]
    return Record(sequence, payload, head_end + length) if zlib.crc32(payload) == payload_checksum else None
