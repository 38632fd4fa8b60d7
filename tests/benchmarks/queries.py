"""How long the API takes to answer histories, with a year of samples stored and aggregated."""

import asyncio
import http.client
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from urllib.parse import urlencode

import numpy as np

from aetherlens.lib.clock import DAY_US, SECOND_US, to_us
from aetherlens.lib.metrics import Metrics
from aetherlens.settings import Settings, zone
from aetherlens.storage.embedded import EmbeddedServer
from aetherlens.storage.migrations import migrate
from aetherlens.storage.partitions import Partitions
from aetherlens.storage.pool import Database, connect, embedded
from aetherlens.storage.raw import RawSamples
from aetherlens.storage.rollups import Rollups
from aetherlens.storage.samples import SampleBatch, SampleStore
from aetherlens.storage.segments import SegmentStore
from aetherlens.storage.series import NewSeries, SeriesRegistry
from benchmarks.report import Figure
from product import Product

SERIES = 5
DAYS = 365
POLL_S = 60
ROUNDS = 200
END = datetime(2026, 6, 1, tzinfo=UTC)
#: What is asked for: name, days before END, resolution, bound in ms.
QUESTIONS = [("24 h raw", 1, "raw", 5), ("30 days at 15 min", 30, "15m", 6), ("a year daily", DAYS, "1d", 4)]


async def seed(database: Database) -> float:
    """Store a year; return how many samples a second the aggregates take to catch up with it."""
    registry, store = SeriesRegistry(database), SampleStore(database, Partitions(database))
    names = [f"meter-{number}" for number in range(SERIES)]
    await registry.register(
        "bench", [NewSeries(device_id=name, metric_type="power", unit="W", tags={}) for name in names]
    )
    found = [registry.find(name, "power") for name in names]
    ids = np.array([series.series_id for series in found if series], dtype=np.int32)
    random = np.random.default_rng(1)
    day = np.arange(0, DAY_US, POLL_S * SECOND_US, dtype=np.int64)
    for number in range(DAYS):
        times = np.tile(day + to_us(END) - (DAYS - number) * DAY_US, SERIES)
        values = np.round(random.uniform(0, 3000, len(times)), 1)
        await store.write(SampleBatch(np.repeat(ids, len(day)), times, values))
    await database.execute("ANALYZE")
    rollups = Rollups(database, RawSamples(database, SegmentStore(database, Metrics("test"))), zone(Settings()).key)
    started = perf_counter()
    while True:
        await rollups.run(END + timedelta(days=1))
        if not await database.fetch("SELECT FROM rollup_dirty LIMIT 1"):
            return SERIES * DAYS * len(day) / (perf_counter() - started)


async def prepare(home: Path) -> float:
    """Make a state folder with a year in it."""
    server = EmbeddedServer(home)
    await server.start()
    try:
        database = await connect(embedded(home), 4)
        await migrate(database)
        rate = await seed(database)
        await database.close()
    finally:
        await server.stop()
    return rate


def ask(product: Product, days: int, resolution: str) -> float:
    """Return the median answer time in ms, over one connection, a series after the other."""
    connection = http.client.HTTPConnection(product.address.removeprefix("http://"), timeout=30)
    times = []
    for number in range(ROUNDS):
        query = urlencode(
            {
                "device_id": f"meter-{number % SERIES}", "metric_type": "power", "resolution": resolution,
                "start": (END - timedelta(days=days)).isoformat(), "end": END.isoformat(),
            }
        )  # fmt: skip
        started = perf_counter()
        connection.request("GET", f"/api/v1/metrics/history?{query}")
        answer = connection.getresponse()
        body = answer.read()
        times.append((perf_counter() - started) * 1000)
        assert answer.status == 200, body[:500]
    connection.close()
    return median(times)


def measure(folder: Path, rate: float) -> list[Figure]:
    """Start the product on the prepared folder and ask."""
    product = Product(folder, "--no-demo").wait_until_ready()
    figures = [Figure(benchmark="queries", name="aggregates of a backlog", value=rate, unit="samples/s")]
    for name, days, resolution, bound in QUESTIONS:
        value = ask(product, days, resolution)
        figures.append(Figure(benchmark="queries", name=name, value=value, unit="ms p50", mark=f"≤ {bound}"))
    product.stop()
    return figures


async def run() -> list[Figure]:
    """Measure."""
    with TemporaryDirectory() as name:
        home = Path(name) / "home"
        home.mkdir()
        rate = await prepare(home)
        return await asyncio.to_thread(measure, home, rate)
