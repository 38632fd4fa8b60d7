"""From a plugin's socket to the commit, beside the raw binary COPY ceiling of the same database in the same run.

Rounds alternate between the two, so that a machine that gets slower in between harms both alike; medians are reported.
"""

import asyncio
import io
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

import msgspec
import psutil

from aetherlens.collector.buffer import Buffer
from aetherlens.collector.intake import Intake, decode
from aetherlens.collector.normalise import Normaliser
from aetherlens.lib.clock import SECOND_US, from_us, now_us
from aetherlens.lib.metrics import Metrics
from aetherlens.plugins.client import PluginClient
from aetherlens.processor.live import LiveState
from aetherlens.processor.subscribers import Subscribers
from aetherlens.storage.embedded import EmbeddedServer
from aetherlens.storage.migrations import migrate
from aetherlens.storage.partitions import Partitions
from aetherlens.storage.pool import Database, connect, embedded
from aetherlens.storage.samples import SampleBatch, SampleStore
from aetherlens.storage.series import SeriesRegistry
from aetherlens_sdk import Metric
from benchmarks.report import Figure

TESTS = Path(__file__).parents[1]

DEVICES = 100
TYPES = ("power", "energy", "voltage", "current", "frequency")
STEPS = 20
BATCH = DEVICES * len(TYPES) * STEPS
BATCHES = 60
ROUNDS = 5


def batch(number: int, start_us: int) -> list[Metric]:
    """Return 20 polls of 100 devices with five metrics each, with times of their own, a second apart."""
    return [
        Metric(
            device_id=f"meter-{device}",
            metric_type=metric_type,
            value=device + step / 7,
            timestamp=from_us(start_us + (number * STEPS + step) * SECOND_US),
        )
        for step in range(STEPS)
        for device in range(DEVICES)
        for metric_type in TYPES
    ]


@asynccontextmanager
async def firehose(folder: Path) -> AsyncIterator[PluginClient]:
    """Run the prepared plugin."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.firehose", folder / "p.sock", folder, env={"PYTHONPATH": str(TESTS)}
    )
    client = PluginClient(folder / "p.sock", 30)
    try:
        for _ in range(200):
            if (folder / "p.sock").exists():
                break
            await asyncio.sleep(0.05)
        yield client
    finally:
        await client.close()
        process.kill()
        await process.wait()


async def ours(client: PluginClient, intake: Intake, buffer: Buffer) -> float:
    """Poll every batch and wait for the commit of the last; return metrics a second."""
    buffer.start()
    started = perf_counter()
    for _ in range(BATCHES):
        content_type, body = await client.collect()
        outcome = await intake.take("firehose", decode(body, content_type), now_us(), timeout_s=60)
        assert outcome.accepted == BATCH
    await buffer.close(60)
    return BATCHES * BATCH / (perf_counter() - started)


async def ceiling(database: Database, prepared: list[bytes]) -> float:
    """Copy the same rows, encoded beforehand, in transactions of the same size; return rows a second."""
    started = perf_counter()
    async with database.acquire() as connection:
        for data in prepared:
            await connection.copy_to_table(
                "samples", source=io.BytesIO(data), columns=("series_id", "ts", "value"), format="binary"
            )
    return BATCHES * BATCH / (perf_counter() - started)


async def empty(database: Database) -> None:
    """Start every round from the same state."""
    await database.execute("TRUNCATE samples")
    await database.execute("CHECKPOINT")


async def run() -> list[Figure]:
    """Measure."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        start_us = now_us() // SECOND_US * SECOND_US - BATCHES * STEPS * SECOND_US
        batches = [batch(number, start_us) for number in range(BATCHES)]
        for number, metrics in enumerate(batches):
            (folder / f"{number:03}.msgpack").write_bytes(msgspec.msgpack.encode(metrics))
        server = EmbeddedServer(folder)
        await server.start()
        try:
            database = await connect(embedded(folder), 4)
            await migrate(database)
            return await _measure(folder, database, batches)
        finally:
            await server.stop()


async def _measure(folder: Path, database: Database, batches: list[list[Metric]]) -> list[Figure]:
    registry, metrics = SeriesRegistry(database), Metrics("bench")
    partitions = Partitions(database)
    days = {moment.astimezone(UTC).date() for one in batches for moment in [one[0].timestamp or datetime.now(UTC)]}
    await partitions.ensure(days)
    normaliser = Normaliser(registry, 600)
    prepared: list[bytes] = []
    for one in batches:
        accepted, _ = await normaliser.normalise("firehose", one, now_us(), now_us())
        columns = SampleBatch.from_lists(accepted.series_ids, accepted.ts_us, accepted.values)
        prepared.append(columns.binary_copy())
    batches.clear()
    live, subscribers = LiveState(registry), Subscribers(metrics)
    ours_rates, ceiling_rates = [], []
    async with firehose(folder) as client:
        for _ in range(ROUNDS):
            await empty(database)
            ceiling_rates.append(await ceiling(database, prepared))
            await empty(database)
            buffer = Buffer(
                SampleStore(database, partitions), metrics, flush_interval_s=5, flush_samples=10_000, capacity=200_000
            )
            listeners = [lambda accepted: subscribers.publish(live.update(accepted))]
            intake = Intake(normaliser, registry, buffer, metrics, listeners)
            ours_rates.append(await ours(client, intake, buffer))
    await database.close()
    resident = psutil.Process().memory_info().rss / 2**20
    return [
        Figure(benchmark="ingest", name="plugin socket to commit", value=median(ours_rates), unit="metrics/s",
               mark="≥ 50,000"),
        Figure(benchmark="ingest", name="raw binary COPY ceiling", value=median(ceiling_rates), unit="rows/s"),
        Figure(benchmark="ingest", name="share of the ceiling", value=median(ours_rates) / median(ceiling_rates),
               unit="ratio"),
        Figure(benchmark="ingest", name="resident memory of this process", value=resident, unit="MB"),
    ]  # fmt: skip
