"""Samples on disk until the database takes them: numbered, append-only, checksummed files, the oldest first.

A file is appended to until it has its size or its reading begins; from then on it is sealed. A sealed file is deleted
once the database has all of it. Reading one again after a crash does no harm: samples are stored by series and time.
"""

import asyncio
import contextlib
import os
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec

from aetherlens.lib.logs import get_logger
from aetherlens.lib.metrics import Metrics
from aetherlens.storage.errors import JournalFullError, StorageError
from aetherlens.storage.journal_format import frame, scan

log = get_logger(__name__)

Result = TypeVar("Result")

#: A file that has grown so large is sealed.
FILE_BYTES = 8 * 1024 * 1024

_SUFFIX = ".journal"


class JournalState(msgspec.Struct, frozen=True, kw_only=True):
    """How much waits for the database."""

    bytes: int
    records: int


class SealedFile:
    """A file that is only read."""

    def __init__(self, path: Path, size_bytes: int, records: int) -> None:
        self.path = path
        self.size_bytes = size_bytes
        self.records = records
        #: Payloads that are not stored yet, in order; None before the file is read.
        self.payloads: deque[bytes] | None = None


class _OpenFile:
    """The file that is appended to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size_bytes = 0
        self.records = 0
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        _sync_folder(path.parent)

    def append(self, data: bytes) -> None:
        """Return when the data are on the disk. Raises OSError; then what was written of them is cut off again."""
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
            os.fdatasync(self._descriptor)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, self.size_bytes)
            raise
        self.size_bytes += len(data)
        self.records += 1

    def close(self) -> None:
        """Append no more."""
        os.close(self._descriptor)


class Journal:
    """The files of one folder. Calls may overlap; each is done as a whole, and goes on when its caller goes away."""

    def __init__(self, folder: Path, max_bytes: int, metrics: Metrics, *, file_bytes: int = FILE_BYTES) -> None:
        """`max_bytes` bounds all files together."""
        self._folder = folder
        self._max_bytes = max_bytes
        self._file_bytes = file_bytes
        self._metrics = metrics
        self._sealed: deque[SealedFile] = deque()
        self._open: _OpenFile | None = None
        self._next_number = 1
        self._next_sequence = 1
        self._busy = asyncio.Lock()
        self._state = JournalState(bytes=0, records=0)
        #: Set while there is something to read, and while there is nothing.
        self.filled = asyncio.Event()
        self.drained = asyncio.Event()
        self.drained.set()

    async def load(self) -> None:
        """Find what an earlier core left. Raises StorageError."""
        try:
            await self._alone(self._load)
        except OSError as error:
            raise StorageError(f"the journal in {self._folder} cannot be used: {error.strerror or error}") from error

    @property
    def empty(self) -> bool:
        """Whether nothing waits for the database."""
        return not self.filled.is_set()

    def state(self) -> JournalState:
        """Return how much waits."""
        return self._state

    async def append(self, payload: bytes) -> None:
        """Return once the record is synced to the disk. Raises JournalFullError; then nothing was taken."""
        await self._alone(lambda: self._append(payload))

    async def oldest(self) -> SealedFile | None:
        """Return the oldest file with what is not stored of it; no further record is added to it. Raises OSError."""
        return await self._alone(self._oldest)

    async def drop(self, file: SealedFile) -> None:
        """Delete the oldest file: the database has all of it. Raises OSError."""
        await self._alone(lambda: self._drop(file))

    async def close(self) -> None:
        """Wait for what is being done and close the files; they stay for the next start."""
        await self._alone(self._seal)

    async def _alone(self, work: Callable[[], Result]) -> Result:
        """Do file work in a thread, one piece at a time, to its end even where the caller is cancelled."""
        return await asyncio.shield(asyncio.ensure_future(self._locked(work)))

    async def _locked(self, work: Callable[[], Result]) -> Result:
        async with self._busy:
            try:
                return await asyncio.to_thread(work)
            finally:
                self._look()

    def _look(self) -> None:
        """Take the state of the files over into what others see."""
        sizes = [(file.size_bytes, file.records) for file in self._sealed]
        if self._open is not None:
            sizes.append((self._open.size_bytes, self._open.records))
        self._state = state = JournalState(bytes=sum(one[0] for one in sizes), records=sum(one[1] for one in sizes))
        self._metrics.journal_bytes.set(state.bytes)
        self._metrics.journal_records.set(state.records)
        if self._sealed or state.records:
            self.filled.set()
            self.drained.clear()
        else:
            self.filled.clear()
            self.drained.set()

    def _load(self) -> None:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        _sync_folder(self._folder.parent)
        numbers = sorted(int(path.stem) for path in self._folder.glob(f"*{_SUFFIX}") if path.stem.isdecimal())
        for number in numbers:
            path = self._path(number)
            data = path.read_bytes()
            found = scan(data).records
            self._sealed.append(SealedFile(path, len(data), len(found)))
            self._next_number = number + 1
            if found:
                self._next_sequence = found[-1].sequence + 1
        if self._sealed:
            log.warning("journal_found", records=sum(file.records for file in self._sealed))

    def _append(self, payload: bytes) -> None:
        data = frame(self._next_sequence, payload)
        held = self._state.bytes
        if held + len(data) > self._max_bytes:
            raise JournalFullError(f"the database is away and the journal full: {held} of {self._max_bytes} bytes")
        if self._open is not None and self._open.records and self._open.size_bytes + len(data) > self._file_bytes:
            self._seal()
        try:
            if self._open is None:
                path = self._path(self._next_number)
                self._next_number += 1
                self._open = _OpenFile(path)
            self._open.append(data)
        except OSError as error:
            self._seal()  # what lies behind a failed write is not to be trusted
            raise JournalFullError(f"the journal cannot be written: {error.strerror or error}") from error
        self._next_sequence += 1

    def _seal(self) -> None:
        file, self._open = self._open, None
        if file is None:
            return
        file.close()
        if file.records:
            self._sealed.append(SealedFile(file.path, file.size_bytes, file.records))
        else:
            with contextlib.suppress(OSError):
                file.path.unlink()

    def _oldest(self) -> SealedFile | None:
        if not self._sealed:
            self._seal()
        if not self._sealed:
            return None
        file = self._sealed[0]
        if file.payloads is None:
            found = scan(file.path.read_bytes())
            if found.damaged_bytes:
                log.error("journal_damaged", file=file.path.name, bytes=found.damaged_bytes)
            file.payloads = deque(record.payload for record in found.records)
        return file

    def _drop(self, file: SealedFile) -> None:
        file.path.unlink(missing_ok=True)
        _sync_folder(self._folder)  # a file that came back after a power cut would undo later corrections
        self._sealed.remove(file)

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:08}{_SUFFIX}"


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
