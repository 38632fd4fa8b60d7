"""Accepted samples on their way to the database: a bounded buffer and the one task that empties it."""

import asyncio
from collections import deque
from time import perf_counter
from typing import Protocol

from aetherlens.collector.errors import BackpressureError, NotStoredError
from aetherlens.lib import tasks
from aetherlens.lib.logs import get_logger
from aetherlens.lib.metrics import Metrics
from aetherlens.lib.retry import backoff
from aetherlens.storage.errors import DatabaseUnavailableError, RefusedBatchError
from aetherlens.storage.samples import SampleBatch

log = get_logger(__name__)

#: One transaction at most; bounds the memory of a flush after an outage.
MAX_FLUSH_SAMPLES = 50_000
#: Longest pause between two attempts: whoever waits for a commit is answered that soon after the database is back.
RETRY_CAP_S = 1.0


class Store(Protocol):
    """Where batches go."""

    async def write(self, batch: SampleBatch) -> None:
        """Return once the batch is durable.

        Raises DatabaseUnavailableError when it is to be tried again, RefusedBatchError when that is useless.
        """


class _Entry:
    """A batch that waits, with the promise to whoever waits until it is durable."""

    __slots__ = ("batch", "stored")

    def __init__(self, batch: SampleBatch, stored: asyncio.Future[None] | None) -> None:
        self.batch = batch
        self.stored = stored


class Buffer:
    """Collects samples and stores them by size or by age, whichever comes first.

    While one transaction commits, the next batch gathers. When the store takes nothing, samples wait here until the
    buffer is full; then `put` waits, and with it whoever brings more.
    """

    def __init__(
        self, store: Store, metrics: Metrics, *, flush_interval_s: float, flush_samples: int, capacity: int
    ) -> None:
        self._store = store
        self._metrics = metrics
        self._flush_interval_s = flush_interval_s
        self._flush_samples = flush_samples
        self._capacity = capacity
        self._entries: deque[_Entry] = deque()
        self._count = 0
        self._due = asyncio.Event()
        self._room = asyncio.Condition()
        self._arrived = asyncio.Event()
        self._closing = False
        self._worker: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to store."""
        self._worker = tasks.start(self._run(), "sample-buffer")

    async def close(self, timeout_s: float = 15.0) -> None:
        """Store what waits and stop; what the store does not take in time is lost and counted."""
        self._closing = True
        self._due.set()
        self._arrived.set()
        if self._worker is not None:
            await asyncio.wait([self._worker], timeout=timeout_s)
            await tasks.stop(self._worker)
        if self._count:
            log.error("samples_lost", count=self._count, reason="stopped")
            self._metrics.samples_lost.labels("stopped").inc(self._count)
        while self._entries:
            _settle(self._entries.popleft(), NotStoredError("the core is stopping"))

    async def put(self, batch: SampleBatch, *, timeout_s: float) -> None:
        """Take a batch, waiting for room at most `timeout_s` seconds. Raises BackpressureError."""
        await self._append(_Entry(batch, None), timeout_s)
        if self._count >= self._flush_samples:
            self._due.set()

    async def put_durable(self, batch: SampleBatch, *, timeout_s: float) -> None:
        """Take a batch and return once it is durable.

        Raises BackpressureError when there is no room, NotStoredError when it was not stored in time; the samples may
        still be stored later.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        stored: asyncio.Future[None] = loop.create_future()
        await self._append(_Entry(batch, stored), timeout_s)
        self._due.set()
        try:
            async with asyncio.timeout_at(deadline):
                await stored
        except TimeoutError:
            raise NotStoredError("the database did not store the samples in time; send them again") from None

    async def _append(self, entry: _Entry, timeout_s: float) -> None:
        size = len(entry.batch)
        try:
            async with asyncio.timeout(timeout_s), self._room:
                # A batch larger than the whole buffer is taken when nothing else waits.
                await self._room.wait_for(lambda: self._count + size <= self._capacity or self._count == 0)
                self._entries.append(entry)
                self._count += size
        except TimeoutError as error:
            raise BackpressureError(f"{self._count} samples wait for the database; try again later") from error
        self._metrics.buffered_samples.set(self._count)
        self._arrived.set()

    async def _run(self) -> None:
        while not (self._closing and not self._entries):
            await self._arrived.wait()
            if not self._closing:
                await self._wait_until_due()
            self._due.clear()
            while self._entries:
                await self._flush(self._take())
                if not self._closing and self._count < self._flush_samples and not self._waited_for():
                    break
            if not self._entries and not self._closing:
                self._arrived.clear()

    def _waited_for(self) -> bool:
        return any(entry.stored is not None for entry in self._entries)

    async def _wait_until_due(self) -> None:
        try:
            async with asyncio.timeout(self._flush_interval_s):
                await self._due.wait()
        except TimeoutError:
            return

    def _take(self) -> list[_Entry]:
        """Remove the oldest entries, at least one, up to the size of one transaction."""
        taken = [self._entries.popleft()]
        size = len(taken[0].batch)
        while self._entries and size + len(self._entries[0].batch) <= MAX_FLUSH_SAMPLES:
            taken.append(self._entries.popleft())
            size += len(taken[-1].batch)
        return taken

    async def _flush(self, entries: list[_Entry]) -> None:
        """Store entries, again and again while the store is away; whoever waits for them hears of the end."""
        failure: NotStoredError | None = None
        try:
            await self._write(SampleBatch.concatenate([entry.batch for entry in entries]))
        except RefusedBatchError as error:
            if len(entries) > 1:  # one of them is at fault; the others are good
                for entry in entries:
                    await self._flush([entry])
                return
            count = len(entries[0].batch)
            self._metrics.samples_lost.labels("refused").inc(count)
            log.exception("samples_lost", count=count, reason="refused")
            failure = NotStoredError(f"the database refused the samples: {error}")
        except asyncio.CancelledError:
            for entry in entries:
                _settle(entry, NotStoredError("the core is stopping"))
            raise
        for entry in entries:
            _settle(entry, failure)
        await self._make_room(entries)

    async def _write(self, batch: SampleBatch) -> None:
        """Return once the batch is durable, however long the store is away. Raises RefusedBatchError."""
        for delay in backoff(0.1, RETRY_CAP_S):
            started = perf_counter()
            try:
                await self._store.write(batch)
            except DatabaseUnavailableError as error:
                self._metrics.flushes.labels("retried").inc()
                log.warning("flush_retried", samples=len(batch), reason=str(error), retry_in_s=round(delay, 2))
                await asyncio.sleep(delay)
            except RefusedBatchError:
                self._metrics.flushes.labels("refused").inc()
                raise
            except Exception:  # a fault of any other kind must not end the one task that stores
                self._metrics.flushes.labels("failed").inc()
                log.exception("flush_failed", samples=len(batch), retry_in_s=round(delay, 2))
                await asyncio.sleep(delay)
            else:
                self._metrics.flush_duration.observe(perf_counter() - started)
                self._metrics.flushes.labels("stored").inc()
                self._metrics.samples_stored.inc(len(batch))
                return

    async def _make_room(self, entries: list[_Entry]) -> None:
        async with self._room:
            self._count -= sum(len(entry.batch) for entry in entries)
            self._room.notify_all()
        self._metrics.buffered_samples.set(self._count)


def _settle(entry: _Entry, failure: Exception | None) -> None:
    if entry.stored is None or entry.stored.done():
        return
    if failure is None:
        entry.stored.set_result(None)
    else:
        entry.stored.set_exception(failure)
