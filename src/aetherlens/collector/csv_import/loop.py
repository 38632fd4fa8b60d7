"""The import loop: while one batch commits, the next one is read and converted."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import msgspec

from aetherlens.collector.csv_import.convert import Converted, Converter
from aetherlens.collector.csv_import.rows import RowReader
from aetherlens.collector.csv_import.tally import Tally
from aetherlens.collector.csv_import.zones import Order
from aetherlens.storage.imports import ImportKey, ImportStore
from aetherlens.storage.samples import SampleBatch, SampleStore

#: Samples of one commit at most; what a second start may have to do again.
BATCH_SAMPLES = 32_768
#: Days of one commit at most: each is a partition, and a server has locks for a few thousand at a time.
MAX_COMMIT_DAYS = 400


class ImportState(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered from commit to commit, and in the database."""

    #: Last line whose samples are committed; line 1 is the header.
    last_line: int = 1
    tally: Tally = msgspec.field(default_factory=Tally)
    order: Order = Order()

    @classmethod
    def from_json(cls, text: str) -> "ImportState":
        """Return a recorded state."""
        return msgspec.json.decode(text, type=cls)

    def to_json(self) -> str:
        """Return the state to record."""
        return msgspec.json.encode(self).decode()


#: Told when a batch and its position are committed: the state, and the bytes read of the file as it lies on disk.
OnProgress = Callable[[ImportState, int], None]


class CsvImport:
    """Takes one file through, from a state on."""

    def __init__(
        self, reader: RowReader, converter: Converter, columns: int, state: ImportState, on_progress: OnProgress
    ) -> None:
        """`columns` is the mapping's number of columns; each row may become as many samples."""
        self._batch_rows = max(1, BATCH_SAMPLES // columns)
        self._reader = reader
        self._converter = converter
        self._on_progress = on_progress
        #: How far it has come; what is committed, also after an error.
        self.state = state
        #: The first row's conversions in words.
        self.told: tuple[str, ...] = ()

    async def check(self) -> None:
        """Read and convert all, store nothing. Raises UnusableFileError where the file is damaged."""

        async def count(converted: Converted) -> None:
            self._advance(converted, len(converted.batch))
            self._on_progress(self.state, converted.read_bytes)

        await self._each(count)

    async def store(self, committer: "Committer") -> None:
        """Import all, and record that it is done.

        Raises UnusableFileError where the file is damaged, DatabaseUnavailableError, RefusedBatchError; the state then
        tells what is committed, and the next start goes on from there.
        """

        async def commit(converted: Converted) -> None:
            self._advance(converted, await committer.write(converted.batch))
            await self._record(committer, finished=False)
            self._on_progress(self.state, converted.read_bytes)

        await self._each(commit)
        await self._record(committer, finished=True)

    def _advance(self, converted: Converted, stored: int) -> None:
        converted.tally.stored = stored
        self.state.tally.add(converted.tally)
        self.state = ImportState(last_line=converted.last_line, tally=self.state.tally, order=converted.order)
        self.told = self.told or converted.told

    async def _record(self, committer: "Committer", *, finished: bool) -> None:
        """Record the position, unless nothing could be used so far: then a new start loses nothing."""
        if self.state.tally.samples:
            await committer.record(self.state, finished=finished)

    async def _each(self, consume: Callable[[Converted], Awaitable[None]]) -> None:
        batches = self._converted()
        pending: asyncio.Future[None] | None = None
        try:
            while (converted := await asyncio.to_thread(next, batches, None)) is not None:
                if pending is not None:
                    await pending
                pending = asyncio.ensure_future(consume(converted))
        finally:
            if pending is not None:
                await pending

    def _converted(self) -> Iterator[Converted]:
        order = self.state.order
        for rows in self._reader.rows(self._batch_rows, self.state.last_line):
            converted = self._converter.convert(rows, order)
            order = converted.order
            yield converted


class Committer:
    """Writes one file's batches and then its position."""

    def __init__(self, samples: SampleStore, imports: ImportStore, key: ImportKey, name: str, *, again: bool) -> None:
        """`again` says that some of the file was imported before."""
        self._samples = samples
        self._imports = imports
        self._key = key
        self._name = name
        self._overlaps = again

    async def write(self, batch: SampleBatch) -> int:
        """Return, after its commit, how many samples were new or had another value."""
        changed = 0
        for part in batch.spans(MAX_COMMIT_DAYS):
            written = await self._samples.write_counted(part, overlaps=self._overlaps)
            self._overlaps = written.overlapped
            changed += written.changed
        return changed

    async def record(self, state: ImportState, *, finished: bool) -> None:
        """Record a position whose samples are committed."""
        await self._imports.record(self._key, self._name, state.last_line, state.to_json(), finished=finished)
