"""The buffer loses nothing it has promised, whatever the database does."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from aetherlens.collector.buffer import MAX_FLUSH_SAMPLES, Buffer
from aetherlens.collector.errors import BackpressureError, NotStoredError
from aetherlens.lib.metrics import Metrics
from aetherlens.storage.errors import DatabaseUnavailableError, RefusedBatchError
from aetherlens.storage.samples import SampleBatch

#: Every wait of these tests is over long before.
BOUND_S = 10.0
POISON = -1.0


class MemoryStore:
    """A database that can be away, slow, or refuse a poisoned sample."""

    def __init__(self) -> None:
        self.transactions: list[list[float]] = []
        self.attempts = 0
        self.away = False
        #: Raised by the next attempt.
        self.fault: Exception | None = None
        self.commits = asyncio.Event()
        self.commits.set()
        self._changed = asyncio.Condition()

    async def write(self, batch: SampleBatch) -> None:
        """Commit a batch, once the database lets commits through."""
        self.attempts += 1
        async with self._changed:
            self._changed.notify_all()
        await self.commits.wait()
        if self.fault is not None:
            fault, self.fault = self.fault, None
            raise fault
        if self.away:
            raise DatabaseUnavailableError("away")
        values = batch.values.tolist()
        if POISON in values:
            raise RefusedBatchError("poisoned")
        self.transactions.append(values)
        async with self._changed:
            self._changed.notify_all()

    @property
    def values(self) -> list[float]:
        """All that is committed, in its order."""
        return [value for transaction in self.transactions for value in transaction]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Return once something holds."""
        async with asyncio.timeout(BOUND_S), self._changed:
            await self._changed.wait_for(condition)


def batch(*values: float) -> SampleBatch:
    return SampleBatch.from_lists([1] * len(values), list(range(len(values))), values)


def batch_of(count: int) -> SampleBatch:
    return batch(*range(count))


def sample(metrics: Metrics, name: str, **labels: str) -> float:
    return metrics.registry.get_sample_value(name, labels) or 0.0


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def metrics() -> Metrics:
    return Metrics("test")


@pytest.fixture
def running(store: MemoryStore, metrics: Metrics) -> Callable[..., Any]:
    """Make a started buffer in front of the store; by default it stores only when it is made to."""

    @asynccontextmanager
    async def run(**options: Any) -> AsyncIterator[Buffer]:
        buffer = Buffer(
            store, metrics, **{"flush_interval_s": 3600.0, "flush_samples": 1_000_000, "capacity": 1000, **options}
        )
        buffer.start()
        try:
            async with asyncio.timeout(BOUND_S):
                yield buffer
        finally:
            store.away = False
            store.commits.set()
            async with asyncio.timeout(BOUND_S):
                await buffer.close()

    return run


async def test_samples_are_stored_once_there_are_enough(store: MemoryStore, running: Any) -> None:
    async with running(flush_samples=3) as buffer:
        await buffer.put(batch(1.0), timeout_s=1)
        await buffer.put(batch(2.0), timeout_s=1)
        assert store.attempts == 0
        await buffer.put(batch(3.0), timeout_s=1)
        await store.until(lambda: store.transactions == [[1.0, 2.0, 3.0]])


async def test_samples_are_stored_once_they_are_old_enough(store: MemoryStore, running: Any) -> None:
    async with running(flush_interval_s=0.05) as buffer:
        started = asyncio.get_running_loop().time()
        await buffer.put(batch(1.0), timeout_s=1)
        await store.until(lambda: store.values == [1.0])
        assert 0.04 < asyncio.get_running_loop().time() - started < 2
        await buffer.put(batch(2.0), timeout_s=1)
        await store.until(lambda: store.values == [1.0, 2.0])


async def test_a_durable_put_is_answered_after_the_commit_and_not_before(store: MemoryStore, running: Any) -> None:
    store.commits.clear()
    async with running() as buffer:
        put = asyncio.ensure_future(buffer.put_durable(batch(1.0), timeout_s=BOUND_S))
        await store.until(lambda: store.attempts == 1)
        assert not put.done()
        assert store.values == []
        store.commits.set()
        await put
        assert store.values == [1.0]


async def test_a_durable_put_takes_along_what_waits_before_it(store: MemoryStore, running: Any) -> None:
    async with running() as buffer:
        await buffer.put(batch(1.0), timeout_s=1)
        await buffer.put_durable(batch(2.0), timeout_s=BOUND_S)
        assert store.transactions == [[1.0, 2.0]]


async def test_durable_puts_that_come_during_a_commit_share_the_next_one(store: MemoryStore, running: Any) -> None:
    store.commits.clear()
    async with running() as buffer:
        first = asyncio.ensure_future(buffer.put_durable(batch(0.0), timeout_s=BOUND_S))
        await store.until(lambda: store.attempts == 1)
        others = [asyncio.ensure_future(buffer.put_durable(batch(float(n)), timeout_s=BOUND_S)) for n in range(1, 20)]
        await asyncio.sleep(0)
        store.commits.set()
        await asyncio.gather(first, *others)
        assert store.transactions == [[0.0], [float(n) for n in range(1, 20)]]


async def test_while_the_database_is_away_samples_wait_and_keep_their_order(
    store: MemoryStore, metrics: Metrics, running: Any
) -> None:
    store.away = True
    async with running(flush_samples=1) as buffer:
        for number in range(5):
            await buffer.put(batch(float(number)), timeout_s=1)
        durable = asyncio.ensure_future(buffer.put_durable(batch(5.0), timeout_s=BOUND_S))
        await store.until(lambda: store.attempts >= 2)
        assert store.values == []
        store.away = False
        await durable
        assert store.values == [float(number) for number in range(6)]
    assert sample(metrics, "aetherlens_flushes_total", outcome="retried") >= 2
    assert sample(metrics, "aetherlens_samples_stored_total") == 6


async def test_a_durable_put_is_refused_when_the_commit_does_not_come_in_time(store: MemoryStore, running: Any) -> None:
    store.away = True
    async with running() as buffer:
        with pytest.raises(NotStoredError, match="send them again"):
            await buffer.put_durable(batch(1.0), timeout_s=0.05)


async def test_a_full_buffer_makes_the_next_wait_and_then_refuses_it(
    store: MemoryStore, metrics: Metrics, running: Any
) -> None:
    store.away = True
    async with running(flush_samples=1) as buffer:
        await buffer.put(batch_of(999), timeout_s=1)
        with pytest.raises(BackpressureError, match="999 samples wait for the database"):
            await buffer.put(batch(1.0, 2.0), timeout_s=0.02)
        with pytest.raises(BackpressureError):
            await buffer.put_durable(batch(1.0, 2.0), timeout_s=0.02)
        assert sample(metrics, "aetherlens_buffered_samples") == 999
        await buffer.put(batch(1.0), timeout_s=1)
        waiting = asyncio.ensure_future(buffer.put(batch(7.0), timeout_s=BOUND_S))
        await asyncio.sleep(0)
        assert not waiting.done()
        store.away = False
        await waiting
    assert store.values[-1] == 7.0
    assert len(store.values) == 1001
    assert sample(metrics, "aetherlens_buffered_samples") == 0


async def test_a_batch_larger_than_the_buffer_is_taken_when_it_is_empty(store: MemoryStore, running: Any) -> None:
    async with running() as buffer:
        await buffer.put_durable(batch_of(1500), timeout_s=BOUND_S)
    assert len(store.values) == 1500


async def test_a_transaction_is_bounded_however_much_waits(store: MemoryStore, running: Any) -> None:
    size = MAX_FLUSH_SAMPLES // 2 + 1
    async with running(capacity=10 * size) as buffer:
        for _ in range(4):
            await buffer.put(batch_of(size), timeout_s=1)
        await buffer.put_durable(batch(1.0), timeout_s=BOUND_S)
    assert max(len(transaction) for transaction in store.transactions) <= MAX_FLUSH_SAMPLES
    assert len(store.values) == 4 * size + 1


async def test_a_refused_batch_costs_only_its_own_samples(store: MemoryStore, metrics: Metrics, running: Any) -> None:
    store.commits.clear()
    async with running() as buffer:
        first = asyncio.ensure_future(buffer.put_durable(batch(0.0), timeout_s=BOUND_S))
        await store.until(lambda: store.attempts == 1)
        good, bad, last = (
            asyncio.ensure_future(buffer.put_durable(batch(value), timeout_s=BOUND_S)) for value in (1.0, POISON, 2.0)
        )
        await asyncio.sleep(0)
        store.commits.set()
        await asyncio.gather(first, good, last)
        with pytest.raises(NotStoredError, match="the database refused the samples: poisoned"):
            await bad
    assert store.values == [0.0, 1.0, 2.0]
    assert sample(metrics, "aetherlens_samples_lost_total", reason="refused") == 1
    assert sample(metrics, "aetherlens_buffered_samples") == 0


async def test_a_fault_that_nobody_thought_of_is_retried_and_logged(
    store: MemoryStore, metrics: Metrics, running: Any
) -> None:
    store.fault = RuntimeError("the handler is closed")
    with structlog.testing.capture_logs() as entries:
        async with running() as buffer:
            await buffer.put_durable(batch(1.0), timeout_s=BOUND_S)
    assert store.values == [1.0]
    assert "flush_failed" in [entry["event"] for entry in entries]
    assert sample(metrics, "aetherlens_flushes_total", outcome="failed") == 1


async def test_a_waiter_that_goes_away_harms_nobody_and_its_samples_are_stored(
    store: MemoryStore, running: Any
) -> None:
    store.commits.clear()
    async with running() as buffer:
        gone = asyncio.ensure_future(buffer.put_durable(batch(1.0), timeout_s=BOUND_S))
        await store.until(lambda: store.attempts == 1)
        stays = asyncio.ensure_future(buffer.put_durable(batch(2.0), timeout_s=BOUND_S))
        await asyncio.sleep(0)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        store.commits.set()
        await stays
    assert store.values == [1.0, 2.0]


async def test_a_waiter_for_room_that_goes_away_leaves_nothing_behind(store: MemoryStore, running: Any) -> None:
    store.away = True
    async with running(flush_samples=1) as buffer:
        await buffer.put(batch_of(1000), timeout_s=1)
        waiting = asyncio.ensure_future(buffer.put(batch(7.0), timeout_s=BOUND_S))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
    assert 7.0 not in store.values[1000:]
    assert len(store.values) == 1000


async def test_closing_stores_what_waits(store: MemoryStore, running: Any) -> None:
    async with running() as buffer:
        await buffer.put(batch(1.0), timeout_s=1)
        await buffer.put(batch(2.0), timeout_s=1)
    assert store.values == [1.0, 2.0]


async def test_closing_an_empty_buffer_is_quick(store: MemoryStore, running: Any) -> None:
    async with asyncio.timeout(1), running():
        pass
    assert store.attempts == 0


async def test_closing_without_a_database_counts_the_loss_and_tells_who_waits(
    store: MemoryStore, metrics: Metrics
) -> None:
    store.away = True
    buffer = Buffer(store, metrics, flush_interval_s=3600.0, flush_samples=1, capacity=1000)
    buffer.start()
    await buffer.put(batch(1.0, 2.0), timeout_s=1)
    in_flight = asyncio.ensure_future(buffer.put_durable(batch(3.0), timeout_s=BOUND_S))
    await store.until(lambda: store.attempts >= 1)
    behind = asyncio.ensure_future(buffer.put_durable(batch(4.0), timeout_s=BOUND_S))
    await asyncio.sleep(0)
    async with asyncio.timeout(BOUND_S / 2):
        await buffer.close(timeout_s=0.05)
        for waiter in (in_flight, behind):
            with pytest.raises(NotStoredError, match="the core is stopping"):
                await waiter
    assert sample(metrics, "aetherlens_samples_lost_total", reason="stopped") == 4


Step = tuple[str, int]


async def _live_through(steps: Iterable[Step]) -> tuple[list[float], list[float], list[float]]:
    """Return what was put, what was acknowledged as durable, and what was stored."""
    store, metrics = MemoryStore(), Metrics("test")
    buffer = Buffer(store, metrics, flush_interval_s=0.005, flush_samples=5, capacity=10_000)
    buffer.start()
    put: list[float] = []
    acknowledged: list[float] = []

    async def durable(values: list[float]) -> None:
        await buffer.put_durable(batch(*values), timeout_s=BOUND_S)
        assert set(values) <= set(store.values)
        acknowledged.extend(values)

    writers = []
    async with asyncio.timeout(BOUND_S):
        for action, size in steps:
            values = [float(len(put) + offset) for offset in range(size)]
            match action:
                case "put":
                    put += values
                    await buffer.put(batch(*values), timeout_s=1)
                case "durable":
                    put += values
                    writers.append(asyncio.ensure_future(durable(values)))
                    await asyncio.sleep(0)
                case "outage":
                    store.away = not store.away
                case _:
                    await asyncio.sleep(0.001 * size)
        store.away = False
        await asyncio.gather(*writers)
        await buffer.close()
    return put, acknowledged, store.values


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["put", "put", "durable", "outage", "pause"]), st.integers(1, 6)), max_size=25)
)
def test_whatever_happens_all_is_stored_once_and_in_order(steps: list[Step]) -> None:
    put, acknowledged, stored = asyncio.run(_live_through(steps))
    assert stored == put
    assert set(acknowledged) <= set(stored)
