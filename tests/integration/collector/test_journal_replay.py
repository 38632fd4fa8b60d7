"""With a real PostgreSQL that goes away, hangs and comes back: what was answered is stored, once and exactly."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from aetherlens.collector import journaled
from aetherlens.collector.buffer import Buffer
from aetherlens.collector.intake import Intake
from aetherlens.collector.journaled import JournaledStore
from aetherlens.collector.normalise import Normaliser
from aetherlens.lib.clock import SECOND_US, from_us, now_us
from aetherlens.lib.metrics import Metrics
from aetherlens.processor.live import LiveState
from aetherlens.storage import series as series_module
from aetherlens.storage.embedded import EmbeddedServer
from aetherlens.storage.journal import Journal
from aetherlens.storage.migrations import migrate
from aetherlens.storage.partitions import Partitions
from aetherlens.storage.pool import connect, embedded
from aetherlens.storage.samples import SampleBatch, SampleStore
from aetherlens.storage.series import SeriesRegistry
from aetherlens_sdk import Metric

BOUND_S = 120.0
START_US = now_us() // SECOND_US * SECOND_US - 3600 * SECOND_US


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the database up sooner than the product does."""
    monkeypatch.setattr(series_module, "PATIENCE_S", 0.3)


class Core:
    """The way of a sample from intake to database, over a server that can be stopped."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.server = EmbeddedServer(home)
        self.metrics = Metrics("test")

    async def open(self) -> None:
        """Start everything; the server runs already."""
        self.database = await connect(embedded(self.home), 4)
        await migrate(self.database)
        partitions, self.registry = Partitions(self.database), SeriesRegistry(self.database)
        await asyncio.gather(partitions.load(), self.registry.load())
        self.live = LiveState(self.registry)
        self.journal = Journal(self.home / "journal", 256 * 1024 * 1024, self.metrics)
        await self.journal.load()
        self.store = JournaledStore(
            SampleStore(self.database, partitions),
            self.journal,
            self.registry,
            self.metrics,
            on_settled=self.live.rename,
            on_replayed=self.live.update,
            patience_s=0.3,
        )
        self.store.start()
        self.buffer = Buffer(self.store, self.metrics, flush_interval_s=0.2, flush_samples=10_000, capacity=200_000)
        self.buffer.start()
        normaliser = Normaliser(self.registry, 600)
        self.intake = Intake(normaliser, self.registry, self.buffer, self.metrics, [self._update])

    async def close(self) -> None:
        """Stop everything but the server."""
        await self.buffer.close()
        await self.store.close()
        await self.database.close()

    def _update(self, batch: SampleBatch) -> None:
        self.live.update(batch)

    async def put(self, *metrics: Metric) -> None:
        """Take metrics as the API does; all must be good."""
        outcome = await self.intake.take_durable("api", metrics, timeout_s=20)
        assert outcome.accepted == len(metrics), outcome.rejections

    async def stored(self) -> list[tuple[str, str, int, float]]:
        """Return (device, metric type, seconds after the start, value) of all samples, once the journal is empty."""
        async with asyncio.timeout(BOUND_S):
            while not self.journal.empty:
                await asyncio.sleep(0.02)
        rows = await self.database.fetch("SELECT device_id, metric_type, time, value FROM metrics ORDER BY 1, 2, 3")
        return [
            (row["device_id"], row["metric_type"], int(row["time"].timestamp()) - START_US // SECOND_US, row["value"])
            for row in rows
        ]


@asynccontextmanager
async def core_on(home: Path) -> AsyncIterator[Core]:
    core = Core(home)
    async with asyncio.timeout(BOUND_S * 2):
        await core.server.start()
        try:
            await core.open()
            yield core
            await core.close()
        finally:
            await core.server.stop()


@pytest.fixture
async def core(tmp_path: Path) -> AsyncIterator[Core]:
    async with core_on(tmp_path) as core:
        yield core


@contextmanager
def frozen(server: EmbeddedServer) -> Any:
    """Stop the server and all its processes in their tracks."""
    assert server.pid is not None
    postmaster = psutil.Process(server.pid)
    family = [postmaster, *postmaster.children(recursive=True)]
    for process in family:
        process.suspend()
    try:
        yield
    finally:
        for process in family:
            process.resume()


def metric(second: int, value: float, **changes: Any) -> Metric:
    at = from_us(START_US + second * SECOND_US)
    return Metric(**{"device_id": "meter", "metric_type": "power", "value": value, "timestamp": at, **changes})


async def test_an_outage_costs_nothing_known_and_new_series_alike(core: Core) -> None:
    await core.put(metric(0, 0.0))
    await core.server.stop()
    for second in range(1, 20):
        await core.put(metric(second, float(second)), metric(second, second + 0.5, device_id="new", unit="kW"))
    await core.put(metric(5, 55.0))
    assert core.journal.state().records
    assert {(one.series.device_id, one.value) for one in core.live.all()} == {("meter", 19.0), ("new", 19500.0)}
    await core.server.start()
    await core.put(metric(20, 20.0), metric(20, 20.5, device_id="new", unit="kW"))
    expected = [("meter", "power", second, 55.0 if second == 5 else float(second)) for second in range(21)]
    expected += [("new", "power", second, second * 1000 + 500.0) for second in range(1, 21)]
    assert await core.stored() == expected
    assert sorted((one.series.device_id, one.series.series_id > 0, one.value) for one in core.live.all()) == [
        ("meter", True, 20.0),
        ("new", True, 20500.0),
    ]
    assert not core.registry.unsettled
    await core.put(metric(21, 21.0, device_id="new"))
    assert not core.journal.state().records
    assert len(await core.database.fetch("SELECT FROM series")) == 2


async def test_a_server_that_hangs_is_waited_for_only_a_little(core: Core) -> None:
    await core.put(metric(0, 0.0))
    loop = asyncio.get_running_loop()
    with frozen(core.server):
        began = loop.time()
        await core.put(metric(1, 1.0))
        await core.put(metric(2, 2.0, device_id="new", tags={"phase": "a"}))
        await core.put(metric(3, 3.0, tags={"phase": "b"}))
        assert loop.time() - began < 10
        assert core.journal.state().records
    assert await core.stored() == [
        ("meter", "power", 0, 0.0),
        ("meter", "power", 1, 1.0),
        ("meter", "power", 3, 3.0),
        ("new", "power", 2, 2.0),
    ]


async def test_labels_given_while_the_database_is_away_are_stored_once_it_is_back(core: Core) -> None:
    await core.put(metric(0, 0.0, tags={"phase": "a"}))
    await core.server.stop()
    await core.put(metric(1, 1.0, tags={"phase": "b"}), metric(1, 1.0, device_id="new", tags={"phase": "c"}))
    await core.put(metric(2, 2.0, device_id="new", tags={"phase": "d"}))
    await core.server.start()
    await core.stored()
    rows = await core.database.fetch("SELECT device_id, tags::text FROM series ORDER BY 1")
    assert [tuple(row) for row in rows] == [("meter", '{"phase": "b"}'), ("new", '{"phase": "d"}')]


async def test_a_leftover_journal_is_replayed_by_the_next_start_into_its_series(tmp_path: Path) -> None:
    core = Core(tmp_path)
    async with asyncio.timeout(BOUND_S):
        await core.server.start()
        await core.open()
        await core.put(metric(0, 0.0))
        await core.server.stop()
        await core.put(metric(1, 1.0), metric(1, 5.0, device_id="new", tags={"phase": "a"}))
        await core.close()
    async with core_on(tmp_path) as again:
        assert await again.stored() == [
            ("meter", "power", 0, 0.0),
            ("meter", "power", 1, 1.0),
            ("new", "power", 1, 5.0),
        ]
        assert {one.series.device_id for one in again.live.all()} == {"meter", "new"}


async def test_a_replay_that_is_done_twice_changes_nothing(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journaled, "MAX_REPLAY_SAMPLES", 10)
    await core.server.stop()
    for second in range(100):
        await core.put(metric(second, float(second)), metric(second, 1.0, metric_type="own"))
    kept = {path: path.read_bytes() for path in (core.home / "journal").iterdir()}
    await core.server.start()
    before = await core.stored()
    await core.close()
    for path, data in kept.items():
        path.write_bytes(data)
    await core.open()
    assert core.journal.state().records
    assert await core.stored() == before
    assert len(before) == 200


async def test_a_series_that_another_process_made_in_another_unit_is_not_mixed_up(core: Core) -> None:
    await core.server.stop()
    await core.put(metric(0, 1.0, metric_type="own", unit="ppm"), metric(0, 2.0))
    await core.buffer.close()
    await core.store.close()
    await core.server.start()
    await core.registry.load()
    insert = "INSERT INTO devices (device_id, plugin_id) VALUES ('meter', 'import')"
    await core.database.execute(insert)
    await core.database.execute("INSERT INTO series (device_id, metric_type, unit) VALUES ('meter', 'own', 'mg')")
    await core.database.close()
    await core.open()
    assert await core.stored() == [("meter", "power", 0, 2.0)]
    assert core.metrics.registry.get_sample_value("aetherlens_samples_lost_total", {"reason": "unit_changed"}) == 1


async def test_ten_minutes_without_a_database_at_a_thousand_metrics_a_second(core: Core) -> None:
    devices, seconds, step = 1000, 600, 10

    def poll(second: int) -> list[Metric]:
        at = from_us(START_US + second * SECOND_US)
        return [
            Metric(device_id=f"m{device}", metric_type="power", value=float(device * seconds + second), timestamp=at)
            for device in range(devices)
        ]

    await core.put(*poll(0)[: devices // 2])  # the other half is new while the database is away
    await core.server.stop()
    for begin in range(0, seconds, step):
        await core.put(*(one for second in range(begin, begin + step) for one in poll(second)))
    assert 600_000 < core.journal.state().bytes < 20_000_000
    await core.server.start()
    async with asyncio.timeout(BOUND_S):
        while not core.journal.empty:
            await asyncio.sleep(0.05)
    row = (
        await core.database.fetch(
            "SELECT count(*), count(DISTINCT (series_id, ts)), sum(value), "
            "bool_and(value = substr(device_id, 2)::int * 600 + extract(epoch FROM time)::bigint - $1) AS exact "
            "FROM samples JOIN series USING (series_id) JOIN LATERAL (SELECT samples.ts AS time) AS t ON true",
            START_US // SECOND_US,
        )
    )[0]
    assert tuple(row) == (600_000, 600_000, sum(range(600_000)), True)
