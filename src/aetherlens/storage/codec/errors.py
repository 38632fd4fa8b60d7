"""What can go wrong with a segment's bytes."""

from aetherlens.storage.errors import StorageError


class CodecError(StorageError):
    """A segment cannot be read."""


class CorruptSegmentError(CodecError):
    """The segment's bytes are not what was written."""


class MissingCodecError(CodecError):
    """The segment is sound, but was written with a library that is not installed here."""
