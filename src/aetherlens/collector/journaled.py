"""A store that always has room: the database, or the journal on disk while that is away or slow."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol

from aetherlens.collector.buffer import Store
from aetherlens.lib import tasks
from aetherlens.lib.logs import get_logger
from aetherlens.lib.metrics import Metrics
from aetherlens.lib.retry import backoff
from aetherlens.storage.errors import DatabaseUnavailableError, RefusedBatchError
from aetherlens.storage.journal import Journal, SealedFile
from aetherlens.storage.journal_record import NamedBatch, decode, encode
from aetherlens.storage.samples import SampleBatch

log = get_logger(__name__)

#: How long the database may take for a batch until the journal takes it, in seconds.
PATIENCE_S = 2.0
#: When no more waits in the journal and the database takes it, the next batch waits for the end instead of joining it;
#: without that, a steady stream of batches would go through the journal for ever.
LAST_STRETCH_BYTES = 256 * 1024
#: Samples of one transaction at most while the journal is replayed, unless one record holds more.
MAX_REPLAY_SAMPLES = 50_000


class Names(Protocol):
    """Which series a batch speaks of; the database's word on them may be pending."""

    @property
    def unsettled(self) -> bool:
        """Whether `settle` has something to do."""

    async def settle(self) -> Mapping[int, int]:
        """Make temporary ids final; return which became which. Raises DatabaseUnavailableError."""

    def resolved(self, batch: SampleBatch) -> SampleBatch:
        """Return the batch with final ids; what has none stays below zero."""

    def named(self, batch: SampleBatch) -> NamedBatch:
        """Return the batch with names in place of ids."""

    async def numbered(self, batch: NamedBatch) -> SampleBatch:
        """Return the batch with ids in place of names, without what has none. Raises DatabaseUnavailableError."""


class JournaledStore:
    """Writes to the database; when that does not answer in time, to the journal, and from there to the database.

    As long as the journal holds anything, every batch goes through it, so that the database gets all in order.
    """

    def __init__(
        self,
        store: Store,
        journal: Journal,
        names: Names,
        metrics: Metrics,
        *,
        on_settled: Callable[[Mapping[int, int]], None],
        on_replayed: Callable[[SampleBatch], object],
        patience_s: float = PATIENCE_S,
    ) -> None:
        """`on_settled` hears which temporary ids became which, `on_replayed` what the journal brought; at once."""
        self._store = store
        self._journal = journal
        self._names = names
        self._metrics = metrics
        self._on_settled = on_settled
        self._on_replayed = on_replayed
        self._patience_s = patience_s
        self._attempt: asyncio.Task[None] | None = None
        #: Whether the last transaction of the replay succeeded.
        self._replaying = False
        self._worker: tasks.Task | None = None

    def start(self) -> None:
        """Begin to replay what the journal holds."""
        self._worker = tasks.start(self._replay(), "journal-replay")

    async def close(self) -> None:
        """Stop; what the journal holds stays for the next start."""
        await tasks.stop(self._worker, self._attempt)
        await self._journal.close()

    async def write(self, batch: SampleBatch) -> None:
        """Return once the batch is committed or synced to the journal. One call at a time.

        Raises JournalFullError when neither has room, RefusedBatchError when the data are at fault.
        """
        await self._last_stretch()
        free = self._journal.empty and (self._attempt is None or self._attempt.done())
        if free and await self._committed_in_time(batch):
            return
        await self._journal.append(await asyncio.to_thread(encode, self._names.named(batch)))
        self._metrics.journal_samples_written.inc(len(batch))

    async def _last_stretch(self) -> None:
        """Wait, within the patience, until the journal is empty, where that is about to be."""
        if self._journal.empty or not self._replaying or self._journal.state().bytes > LAST_STRETCH_BYTES:
            return
        try:
            async with asyncio.timeout(self._patience_s):
                await self._journal.drained.wait()
        except TimeoutError:
            self._replaying = False

    async def _committed_in_time(self, batch: SampleBatch) -> bool:
        """Try to commit, again and again within the patience. An attempt that hangs is left to itself, not undone."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._patience_s
        reason = "no answer in time"
        for delay in backoff(0.1, 0.5):
            self._attempt = attempt = asyncio.ensure_future(self._commit(batch))
            await asyncio.wait([attempt], timeout=max(deadline - loop.time(), 0))
            if not attempt.done():
                attempt.add_done_callback(_heard)
                break
            failure = attempt.exception()
            if failure is None:
                return True
            if isinstance(failure, RefusedBatchError):
                raise failure
            if not isinstance(failure, DatabaseUnavailableError):  # a fault of ours must not stop the storing
                log.error("commit_failed", exc_info=failure)
            reason = str(failure)
            if loop.time() + delay >= deadline:
                break
            await asyncio.sleep(delay)
        log.warning("journal_in_use", reason=reason, patience_s=self._patience_s)
        return False

    async def _commit(self, batch: SampleBatch) -> None:
        await self._settle()
        batch = self._names.resolved(batch)
        if (batch.series_ids < 0).any():
            raise RefusedBatchError("somebody else has registered the series in another unit")
        await self._store.write(batch)

    async def _settle(self) -> None:
        if self._names.unsettled:
            self._on_settled(await self._names.settle())

    async def _replay(self) -> None:
        while True:
            await self._journal.filled.wait()
            if self._attempt is not None:  # it may still commit what is older than the journal; its time is bounded
                await asyncio.wait([self._attempt])
            for delay in backoff(0.2, 2.0):
                try:
                    await self._replay_oldest()
                    break
                except (DatabaseUnavailableError, OSError) as error:
                    log.warning("replay_retried", reason=str(error), retry_in_s=round(delay, 2))
                except Exception:  # without the replay, the journal would only ever fill
                    log.exception("replay_failed", retry_in_s=round(delay, 2))
                self._replaying = False
                await asyncio.sleep(delay)

    async def _replay_oldest(self) -> None:
        """Bring the oldest file into the database and delete it. What is committed of it is not read again."""
        file = await self._journal.oldest()
        while file is not None and file.payloads:
            count, batch = await self._next_transaction(file)
            await self._commit_or_split(batch)
            self._replaying = True
            for _ in range(count):
                file.payloads.popleft()
            self._metrics.journal_samples_replayed.inc(len(batch))
            self._on_replayed(batch)
        if file is not None:
            await self._journal.drop(file)
        if self._journal.empty:
            log.info("journal_replayed")

    async def _next_transaction(self, file: SealedFile) -> tuple[int, SampleBatch]:
        """Return how many records come next and their samples."""
        await self._settle()
        batches: list[SampleBatch] = []
        size = 0
        for payload in file.payloads or ():
            named = await asyncio.to_thread(decode, payload)
            if batches and size + len(named) > MAX_REPLAY_SAMPLES:
                break
            batch = await self._names.numbered(named)
            if len(batch) < len(named):
                self._lose(len(named) - len(batch), "unit_changed")
            batches.append(batch)
            size += len(named)
        return len(batches), SampleBatch.concatenate(batches)

    async def _commit_or_split(self, batch: SampleBatch) -> None:
        """Commit a batch; of one that is refused, all but the samples at fault."""
        if not len(batch):
            return
        try:
            await self._store.write(batch)
        except RefusedBatchError:
            if len(batch) == 1:
                self._lose(1, "refused")
                return
            half = len(batch) // 2
            for part in (slice(None, half), slice(half, None)):
                await self._commit_or_split(SampleBatch(batch.series_ids[part], batch.ts_us[part], batch.values[part]))

    def _lose(self, count: int, reason: str) -> None:
        self._metrics.samples_lost.labels(reason).inc(count)
        log.error("samples_lost", count=count, reason=reason)


def _heard(attempt: asyncio.Task[None]) -> None:
    """Take note of how an attempt ended that nobody waits for: its batch is in the journal as well."""
    if not attempt.cancelled():
        attempt.exception()
