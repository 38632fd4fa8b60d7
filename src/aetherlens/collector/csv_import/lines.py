"""Lines of a text file, plain or gzip, however large: a block at a time."""

import codecs
import gzip
import hashlib
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, cast

from aetherlens.collector.errors import UnusableFileError

BLOCK_BYTES = 256 * 1024
#: A longer line is given up, so that a file without line ends needs no memory.
MAX_LINE_CHARACTERS = 65_536
#: Stands in the place of a line that is too long; no line contains it.
TOO_LONG = "\n"

_GZIP_MAGIC = b"\x1f\x8b"
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class TextFile:
    """An open file. Bytes that the encoding does not know become U+FFFD; NUL and other controls stay what they are."""

    def __init__(self, path: Path, encoding: str) -> None:
        """Open the file and look at its beginning. Raises UnusableFileError."""
        if path.exists() and not path.is_file():
            raise UnusableFileError(f"{path} is not a file")
        self._path = path
        try:
            self._raw: IO[bytes] = path.open("rb")
            start = self._raw.read(4)
        except OSError as error:
            raise UnusableFileError(f"{path} cannot be read: {error.strerror or error}") from error
        self.size_bytes = path.stat().st_size
        self._raw.seek(0)
        if encoding == "utf-8" and start.startswith(_UTF16_MARKS):
            self.close()
            raise UnusableFileError(f"{path} is UTF-16; put encoding: utf-16 into the mapping")
        self._encoding = "utf-8-sig" if encoding == "utf-8" else encoding
        zipped = start.startswith(_GZIP_MAGIC)
        self._stream = cast(IO[bytes], gzip.GzipFile(fileobj=self._raw)) if zipped else self._raw

    def __enter__(self) -> "TextFile":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._raw.close()

    @property
    def read_bytes(self) -> int:
        """How much of the file, as it lies on disk, has been read."""
        return self._raw.tell()

    def fingerprint(self) -> str:
        """Return the SHA-256 of the file as it lies on disk. Raises UnusableFileError."""
        try:
            with self._path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise UnusableFileError(f"{self._path} cannot be read: {error.strerror or error}") from error

    def blocks(self) -> Iterator[list[str]]:
        """Yield lines without their ends. Raises UnusableFileError where the file is damaged."""
        decoder = codecs.getincrementaldecoder(self._encoding)("replace")
        rest, skipping = "", False
        while data := self._read():
            text = rest + decoder.decode(data)
            if "\r" in text:
                text = text.replace("\r\n", "\n")
            lines = text.split("\n")
            rest = lines.pop()
            if skipping and lines:
                lines[0], skipping = TOO_LONG, False
            if skipping or len(rest) > MAX_LINE_CHARACTERS:
                rest, skipping = "", True
            yield [line if len(line) <= MAX_LINE_CHARACTERS else TOO_LONG for line in lines]
        rest = (rest + decoder.decode(b"", final=True)).removesuffix("\r")
        if rest or skipping:
            yield [TOO_LONG if skipping else rest]

    def _read(self) -> bytes:
        try:
            return self._stream.read(BLOCK_BYTES)
        except (OSError, EOFError, zlib.error) as error:
            raise UnusableFileError(f"{self._path} is damaged and ends early: {error}") from error
