"""What is answered is durable, in the database or in the journal, and the database gets all of it in order."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aetherlens.collector.buffer import Buffer
from aetherlens.collector.errors import BackpressureError, NotStoredError
from aetherlens.collector.journaled import MAX_REPLAY_SAMPLES, JournaledStore
from aetherlens.lib.metrics import Metrics
from aetherlens.storage.errors import DatabaseUnavailableError, JournalFullError, RefusedBatchError
from aetherlens.storage.journal import Journal
from aetherlens.storage.journal_record import NamedBatch, SeriesName
from aetherlens.storage.samples import SampleBatch

BOUND_S = 20.0
POISON = -1.0
MB = 1024 * 1024


class MemoryStore:
    """A database that can be away, hang, or refuse a poisoned sample."""

    def __init__(self) -> None:
        self.transactions: list[list[float]] = []
        self.away = False
        #: Attempts end only while it is set.
        self.answering = asyncio.Event()
        self.answering.set()
        self._changed = asyncio.Condition()

    async def write(self, batch: SampleBatch) -> None:
        """Commit a batch."""
        await self.answering.wait()
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

    async def until_holds(self, count: int) -> None:
        """Return once so many samples are committed."""
        async with asyncio.timeout(BOUND_S), self._changed:
            await self._changed.wait_for(lambda: len(self.values) >= count)


class NumberNames:
    """Series that are called by their numbers; those named in `other_units` cannot be stored."""

    def __init__(self) -> None:
        self.unsettled = False
        self.other_units: set[str] = set()

    async def settle(self) -> Mapping[int, int]:
        """Nothing is ever pending."""
        return {}

    def resolved(self, batch: SampleBatch) -> SampleBatch:
        """Return it as it is."""
        return batch

    def named(self, batch: SampleBatch) -> NamedBatch:
        """Call each series by its number."""
        ids, places = np.unique(batch.series_ids, return_inverse=True)
        names = [SeriesName(device_id=str(one), metric_type="power", unit="W", tags={}, plugin_id="api") for one in ids]
        return NamedBatch(names, places.astype(np.int32), batch.ts_us, batch.values)

    async def numbered(self, batch: NamedBatch) -> SampleBatch:
        """Take the numbers back."""
        return batch.numbered(
            [-1 if name.device_id in self.other_units else int(name.device_id) for name in batch.series]
        )


class Rig:
    """A journaled store between a journal and a database that obeys."""

    def __init__(self, folder: Path, *, patience_s: float = 0.05, max_bytes: int = MB) -> None:
        self.metrics = Metrics("test")
        self.database = MemoryStore()
        self.names = NumberNames()
        self.journal = Journal(folder, max_bytes, self.metrics, file_bytes=2000)
        self.replayed: list[float] = []
        self.store = JournaledStore(
            self.database,
            self.journal,
            self.names,
            self.metrics,
            on_settled=lambda ids: None,
            on_replayed=lambda batch: self.replayed.extend(batch.values.tolist()),
            patience_s=patience_s,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Rig"]:
        """Load, start, and close at the end, within a bound."""
        async with asyncio.timeout(BOUND_S):
            await self.journal.load()
            self.store.start()
            try:
                yield self
            finally:
                self.database.answering.set()
                await self.store.close()

    def counted(self, name: str, **labels: str) -> float:
        """Return a metric."""
        return self.metrics.registry.get_sample_value(name, labels) or 0.0

    async def until_drained(self) -> None:
        """Return once the journal is empty."""
        async with asyncio.timeout(BOUND_S):
            while not self.journal.empty:
                await asyncio.sleep(0.01)


def batch(*values: float, series_id: int = 1) -> SampleBatch:
    return SampleBatch.from_lists([series_id] * len(values), [int(value) for value in values], values)


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path / "journal")


async def test_while_the_database_answers_the_journal_stays_empty(rig: Rig, tmp_path: Path) -> None:
    async with rig.running():
        for number in range(5):
            await rig.store.write(batch(float(number)))
        assert rig.database.transactions == [[0.0], [1.0], [2.0], [3.0], [4.0]]
        assert list((tmp_path / "journal").iterdir()) == []


async def test_a_short_absence_is_waited_for(tmp_path: Path) -> None:
    async with Rig(tmp_path / "journal", patience_s=BOUND_S).running() as rig:
        rig.database.away = True
        writing = asyncio.ensure_future(rig.store.write(batch(1.0)))
        await asyncio.sleep(0.2)
        assert not writing.done()
        rig.database.away = False
        await writing
        assert rig.database.values == [1.0]
        assert rig.counted("aetherlens_journal_samples_written_total") == 0


async def test_while_the_database_is_away_the_journal_answers_and_is_replayed_in_order(rig: Rig) -> None:
    async with rig.running():
        rig.database.away = True
        for number in range(300):
            await rig.store.write(batch(float(number), number + 0.5))
        assert rig.database.values == []
        assert rig.counted("aetherlens_journal_records") == 300
        assert rig.counted("aetherlens_journal_bytes") == rig.journal.state().bytes > 10_000
        rig.database.away = False
        await rig.store.write(batch(1000.0))
        await rig.database.until_holds(601)
        assert rig.database.values == [*(number / 2 for number in range(600)), 1000.0]
        await rig.until_drained()
        await rig.store.write(batch(1001.0))
        assert rig.database.transactions[-1] == [1001.0]
    assert rig.counted("aetherlens_journal_samples_written_total") == 601
    assert rig.counted("aetherlens_journal_samples_replayed_total") == 601
    assert rig.counted("aetherlens_journal_records") == 0
    assert len(rig.database.transactions) < 50
    assert rig.replayed == rig.database.values[:-1]


async def test_a_database_that_hangs_holds_up_nobody_and_keeps_the_order(rig: Rig) -> None:
    async with rig.running():
        await rig.store.write(batch(0.0))
        rig.database.answering.clear()
        for number in range(1, 6):
            await rig.store.write(batch(float(number)))
        assert rig.database.values == [0.0]
        rig.database.answering.set()
        await rig.until_drained()
        # The attempt that hung commits first; the journal has its batch as well.
        assert rig.database.values == [0.0, 1.0, 1.0, 2.0, 3.0, 4.0, 5.0]


async def test_a_leftover_journal_is_replayed_before_anything_new(tmp_path: Path) -> None:
    async with Rig(tmp_path / "journal").running() as first:
        first.database.away = True
        for number in range(50):
            await first.store.write(batch(float(number)))
    async with Rig(tmp_path / "journal").running() as second:
        await second.store.write(batch(50.0))
        await second.database.until_holds(51)
        assert second.database.values == [float(number) for number in range(51)]


async def test_a_replay_that_is_interrupted_goes_on_where_it_was(rig: Rig) -> None:
    async with rig.running():
        rig.database.away = True
        for number in range(40):
            await rig.store.write(batch(float(number)))
        rig.database.away = False
        await rig.database.until_holds(1)
        rig.database.away = True
        await rig.store.write(batch(40.0))
        rig.database.away = False
        await rig.database.until_holds(41)
        assert rig.database.values == [float(number) for number in range(41)]


async def test_a_steady_stream_goes_to_the_database_again(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "journal", patience_s=BOUND_S)
    async with rig.running():
        rig.database.away = True
        rig.store._patience_s = 0.0
        await rig.store.write(batch(0.0))
        rig.store._patience_s = BOUND_S
        rig.database.away = False
        for number in range(1, 500):
            await rig.store.write(batch(float(number)))
            if rig.journal.empty:
                break
        await rig.store.write(batch(1000.0))
        assert rig.database.transactions[-1] == [1000.0]
        assert rig.journal.empty


async def test_a_transaction_of_the_replay_is_bounded(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "journal", max_bytes=100 * MB)
    async with rig.running():
        rig.database.away = True
        size = MAX_REPLAY_SAMPLES * 2 // 5
        for number in range(5):
            await rig.store.write(batch(*range(number * size, (number + 1) * size)))
        rig.database.away = False
        await rig.database.until_holds(5 * size)
        assert rig.database.values == list(range(5 * size))
        assert max(len(one) for one in rig.database.transactions) <= MAX_REPLAY_SAMPLES


async def test_a_refused_sample_in_the_journal_costs_only_itself(rig: Rig) -> None:
    async with rig.running():
        rig.database.away = True
        await rig.store.write(batch(1.0, 2.0, POISON, 4.0, 5.0))
        await rig.store.write(batch(6.0))
        rig.database.away = False
        await rig.until_drained()
    assert rig.database.values == [1.0, 2.0, 4.0, 5.0, 6.0]
    assert rig.counted("aetherlens_samples_lost_total", reason="refused") == 1


async def test_a_fault_in_a_commit_leads_to_the_journal(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    async with rig.running():
        with monkeypatch.context() as broken:

            def fail(batch: SampleBatch) -> SampleBatch:
                raise KeyError("a fault")

            broken.setattr(rig.names, "resolved", fail)
            await rig.store.write(batch(1.0))
        await rig.until_drained()
    assert rig.database.values == [1.0]
    assert rig.counted("aetherlens_journal_samples_replayed_total") == 1


async def test_a_fault_in_the_replay_is_not_its_end(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    async with rig.running():
        rig.database.away = True
        await rig.store.write(batch(1.0))
        failed = asyncio.Event()

        async def fail(named: NamedBatch) -> SampleBatch:
            failed.set()
            raise KeyError("a fault")

        with monkeypatch.context() as broken:
            broken.setattr(rig.names, "numbered", fail)
            await failed.wait()
        rig.database.away = False
        await rig.until_drained()
    assert rig.database.values == [1.0]


async def test_a_refused_batch_is_told_while_the_database_answers(rig: Rig) -> None:
    async with rig.running():
        with pytest.raises(RefusedBatchError):
            await rig.store.write(batch(POISON))
        with pytest.raises(RefusedBatchError, match="another unit"):
            await rig.store.write(batch(1.0, series_id=-3))
        assert rig.journal.empty


async def test_samples_whose_unit_was_taken_by_another_are_counted(rig: Rig) -> None:
    async with rig.running():
        rig.database.away = True
        await rig.store.write(SampleBatch.from_lists([1, 2, 1], [1, 2, 3], [1.0, 2.0, 3.0]))
        rig.names.other_units.add("2")
        rig.database.away = False
        await rig.until_drained()
    assert rig.database.values == [1.0, 3.0]
    assert rig.counted("aetherlens_samples_lost_total", reason="unit_changed") == 1


async def _written_until_full(rig: Rig) -> int:
    for number in range(1000):
        try:
            await rig.store.write(batch(float(number)))
        except JournalFullError:
            return number
    raise AssertionError("it was never full")


async def test_a_full_journal_is_told_and_takes_again_once_the_database_is_back(tmp_path: Path) -> None:
    async with Rig(tmp_path / "journal", max_bytes=4000).running() as rig:
        rig.database.away = True
        taken = await _written_until_full(rig)
        assert 0 < rig.journal.state().bytes <= 4000
        rig.database.away = False
        await rig.until_drained()
        await rig.store.write(batch(float(taken)))
        assert rig.database.values == [float(number) for number in range(taken + 1)]


async def test_behind_a_full_journal_the_buffer_pushes_back(tmp_path: Path) -> None:
    async with Rig(tmp_path / "journal", max_bytes=2000).running() as rig:
        buffer = Buffer(rig.store, rig.metrics, flush_interval_s=0.01, flush_samples=1, capacity=1000)
        buffer.start()
        rig.database.away = True
        acknowledged: list[float] = []
        with suppress(NotStoredError):
            while True:
                await buffer.put_durable(batch(float(len(acknowledged))), timeout_s=0.3)
                acknowledged.append(float(len(acknowledged)))
        await buffer.put(batch(*range(2000, 2999)), timeout_s=1)
        with pytest.raises(BackpressureError):
            await buffer.put(batch(1.0, 2.0), timeout_s=0.02)
        rig.database.away = False
        await buffer.close()
        await rig.until_drained()
        # The sample that was not acknowledged is stored too, late; order and number of the others hold.
        assert rig.database.values[: len(acknowledged)] == acknowledged
        assert rig.database.values[-999:] == list(range(2000, 2999))


async def test_closing_while_the_database_is_away_loses_nothing(tmp_path: Path) -> None:
    async with Rig(tmp_path / "journal").running() as rig:
        buffer = Buffer(rig.store, rig.metrics, flush_interval_s=3600, flush_samples=10_000, capacity=100_000)
        buffer.start()
        rig.database.away = True
        for number in range(20):
            await buffer.put(batch(float(number)), timeout_s=1)
        await buffer.close()
    async with Rig(tmp_path / "journal").running() as again:
        await again.database.until_holds(20)
    assert again.database.values == [float(number) for number in range(20)]


Step = tuple[str, int]


async def _live_through(folder: Path, steps: list[Step]) -> tuple[list[float], dict[int, float]]:
    """Return what was acknowledged and, by time, what was stored at the end; a crash leaves the journal as it is."""
    acknowledged: list[float] = []
    stored: dict[int, float] = {}
    number = 0

    async def begin(away: bool) -> Rig:
        rig = Rig(folder, patience_s=0.01)
        rig.database.away = away
        await rig.journal.load()
        rig.store.start()
        return rig

    async def end(rig: Rig) -> None:
        await rig.store.close()
        stored.update((int(value), value) for value in rig.database.values)

    rig = await begin(False)
    for action, count in steps:
        match action:
            case "write":
                for _ in range(count):
                    await rig.store.write(batch(float(number)))
                    acknowledged.append(float(number))
                    number += 1
            case "outage":
                rig.database.away = not rig.database.away
            case "crash":
                await end(rig)
                _tear_tail(folder, count)
                rig = await begin(rig.database.away)
            case _:
                await asyncio.sleep(0.003 * count)
    rig.database.away = False
    await rig.until_drained()
    # A slow attempt may have left a sample in the database and in the journal; the database keeps one.
    assert sorted(set(rig.database.values)) == list(dict.fromkeys(rig.database.values)), "out of order"
    await end(rig)
    return acknowledged, stored


def _tear_tail(folder: Path, count: int) -> None:
    """Leave behind the newest file what a write that was cut off would."""
    files = sorted(folder.glob("*.journal"))
    if files:
        with files[-1].open("ab") as file:
            file.write(os.urandom(count))


actions: st.SearchStrategy[str] = st.sampled_from(["write", "write", "outage", "crash", "pause"])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(actions, st.integers(1, 8)), max_size=20))
def test_whatever_happens_all_that_was_answered_is_stored_once(steps: list[Step]) -> None:
    with TemporaryDirectory() as name:
        acknowledged, stored = asyncio.run(_live_through(Path(name) / "journal", steps))
    assert set(acknowledged) <= set(stored.values())
