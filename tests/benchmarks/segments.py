"""What segments cost and save: bytes a sample with all of PostgreSQL's own, and the time of it.

Three sets of data: a real household (seven series, a sample a minute; tests/data names its source), a month of it where
AETHERLENS_BENCH_HOUSEHOLD names the file, else the day that comes with the checkout; and a generated day of a hundred
series that are polled every 10 to 120 seconds, on the poll grid and with times of the devices' own (some 150 ms
late, standard deviation 50 ms, in whole milliseconds).
"""

import asyncio
import csv
import gzip
import io
import os
import resource
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, thread_time

import msgspec
import numpy as np
import numpy.typing as npt
import psutil

from aetherlens.lib.clock import DAY_US, SECOND_US, to_us
from aetherlens.lib.metrics import Metrics
from aetherlens.storage.codec import PCO, ZLIB, Columns, decode, encode, pco
from aetherlens.storage.compaction import Compactor
from aetherlens.storage.embedded import EmbeddedServer
from aetherlens.storage.history import History
from aetherlens.storage.migrations import migrate
from aetherlens.storage.partitions import Partitions
from aetherlens.storage.pool import Database, connect, embedded
from aetherlens.storage.samples import SampleBatch, SampleStore
from aetherlens.storage.segments import SPAN_DAYS, SegmentStore, chain
from benchmarks.report import Figure

BENCHMARK = "segments"

_DAY = Path(__file__).parents[1] / "data" / "household" / "household-2007-03-18.csv"

#: First day of a span of days that are joined.
SPAN_START = date(1970, 1, 1) + timedelta(days=1280 * SPAN_DAYS)
START_US = to_us(datetime(SPAN_START.year, SPAN_START.month, SPAN_START.day, tzinfo=UTC))

#: Factor from each column of the household's file to the metric's unit, and the decimals that are left; see
#: config/import/household.yaml.
_HOUSEHOLD = {
    "Global_active_power": (1000, 0),
    "Global_reactive_power": (1000, 0),
    "Voltage": (1, 2),
    "Global_intensity": (1, 1),
    "Sub_metering_1": (60, 0),
    "Sub_metering_2": (60, 0),
    "Sub_metering_3": (60, 0),
}

#: Series of the generated day by the seconds between their polls: 540,000 samples in all.
_POLLED = {10: 55, 30: 10, 60: 25, 120: 10}

Data = dict[int, Columns]
Values = npt.NDArray[np.float64]


def household() -> Data:
    """Return the household's series from SPAN_START on."""
    month = os.environ.get("AETHERLENS_BENCH_HOUSEHOLD")
    text = gzip.decompress(Path(month).read_bytes()).decode() if month else _DAY.read_text()
    rows = [row for row in csv.DictReader(io.StringIO(text)) if row["Voltage"]]
    ts_us = np.array([to_us(datetime.fromisoformat(row["date_time"] + "+00:00")) for row in rows], dtype=np.int64)
    ts_us += np.int64(START_US) - ts_us[0]
    return {
        number: Columns(ts_us, np.array([round(float(row[name]) * factor, places) for row in rows]))
        for number, (name, (factor, places)) in enumerate(_HOUSEHOLD.items(), 1)
    }


def generated(*, jittered: bool) -> Data:
    """Return a day of a hundred series: power, its energy counter, voltage, current and temperature of 20 devices."""
    random = np.random.default_rng(7)
    intervals = [interval for interval, count in _POLLED.items() for _ in range(count)]
    data: Data = {}
    for number, interval_s in enumerate(intervals):
        count = 86_400 // interval_s
        ts_us = START_US + np.arange(count, dtype=np.int64) * interval_s * SECOND_US
        if jittered:
            ts_us += np.clip(np.rint(random.normal(150, 50, count)), 0, 300).astype(np.int64) * 1000
        data[number + 1] = Columns(ts_us, _SHAPES[number % len(_SHAPES)](random, count, interval_s))
    return data


def _power(random: np.random.Generator, count: int, interval_s: int) -> Values:
    """Appliances that switch on for minutes over a base load, all with some noise; W with one decimal."""
    switched = random.random(count) < interval_s / 1800
    level = np.where(switched, random.choice([0.0, 60.0, 150.0, 800.0, 2000.0], count), 0.0)
    held = level[np.maximum.accumulate(np.where(switched, np.arange(count), 0))]
    return np.asarray(np.round((45 + held) * (1 + random.normal(0, 0.005, count)), 1), dtype=np.float64)


def _energy(random: np.random.Generator, count: int, interval_s: int) -> Values:
    """The counter of such a load in kWh, in steps of a Wh."""
    total_wh = 1_234_567 + np.cumsum(_power(random, count, interval_s) * interval_s / 3600)
    return np.asarray(np.rint(total_wh) / 1000)


def _drifting(middle: float, step: float, decimals: int) -> Callable[..., Values]:
    def shape(random: np.random.Generator, count: int, interval_s: int) -> Values:
        walk = np.cumsum(random.normal(0, step * (interval_s / 60) ** 0.5, count))
        return np.round(middle + walk - np.linspace(0, walk[-1], count), decimals)

    return shape


def _current(random: np.random.Generator, count: int, interval_s: int) -> Values:
    return np.round(_power(random, count, interval_s) / 230, 2)


_SHAPES = (_power, _energy, _drifting(230, 0.3, 1), _current, _drifting(21, 0.02, 1))


def batches(data: Data) -> list[SampleBatch]:
    """Return the samples as they arrive: all series by time, 10,000 at once."""
    everything = SampleBatch(
        np.repeat(np.array([*data], dtype=np.int32), [len(columns.ts_us) for columns in data.values()]),
        np.concatenate([columns.ts_us for columns in data.values()]),
        np.concatenate([columns.values for columns in data.values()]),
    )
    order = np.argsort(everything.ts_us, kind="stable")
    edges = [*range(0, len(order), 10_000), len(order)]
    return [
        SampleBatch(everything.series_ids[part], everything.ts_us[part], everything.values[part])
        for part in (order[begin:end] for begin, end in pairwise(edges))
    ]


async def size(database: Database, table: str) -> int:
    """Return the bytes of a table with its partitions, indexes and TOAST."""
    row = await database.fetchrow(
        "SELECT sum(pg_total_relation_size(oid))::bigint FROM pg_class"
        " WHERE oid = $1::regclass OR oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = $1::regclass)",
        table,
    )
    return int(row[0])


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What one compaction took."""

    seconds: float
    #: Processor time of the core's process and of the server's.
    cpu_seconds: float
    #: Resident memory of the core's process at its peak, beyond that before.
    peak_bytes: int


async def compact(folder: Path, today: date, codec: int) -> Cost:
    """Compact all days before `today` in this process."""
    database = await connect(embedded(folder), 2)
    process, metrics = psutil.Process(), Metrics("bench")
    servers = [
        psutil.Process(row["pid"]) for row in await database.fetch("SELECT pid FROM pg_stat_activity WHERE pid > 0")
    ]
    compactor = Compactor(
        database, Partitions(database), SegmentStore(database, metrics), metrics,
        after_days=0, today=lambda: today, codec=codec,
    )  # fmt: skip

    def cpu() -> float:
        times = [one.cpu_times() for one in (process, *servers)]
        return sum(one.user + one.system for one in times)

    before, used, clock = process.memory_info().rss, cpu(), perf_counter()
    await compactor.run()
    seconds, used = perf_counter() - clock, cpu() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    await database.close()
    return Cost(seconds=seconds, cpu_seconds=used, peak_bytes=peak - before)


#: The same segments again and again, as a year has them: a table's fixed costs are shared by many rows.
_TIMES = 12
_REPEAT = """
INSERT INTO segments (series_id, first_day, last_day, first_ts, last_ts, count, merged, data)
SELECT series_id, first_day + $1::integer * n, last_day + $1::integer * n, first_ts, last_ts, count, merged, data
FROM segments CROSS JOIN generate_series(1, 11) AS n
"""


async def compact_elsewhere(folder: Path, today: date, codec: int) -> Cost:
    """Do it in a fresh process, whose memory nothing else has used."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.segments",
        folder,
        today.isoformat(),
        str(codec),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    return msgspec.json.decode(out.splitlines()[-1], type=Cost)


async def measure(folder: Path, name: str, data: Data, codec: int) -> list[Figure]:
    """Write, compact and read one set of data."""
    database = await connect(embedded(folder), 2)
    await database.execute("DROP SCHEMA public CASCADE")
    await database.execute("CREATE SCHEMA public")
    await migrate(database)
    partitions, metrics = Partitions(database), Metrics("bench")
    segments = SegmentStore(database, metrics)
    store = SampleStore(database, partitions)
    for batch in batches(data):
        await store.write(batch)
    total = sum(len(columns.ts_us) for columns in data.values())
    hot = await size(database, "samples") / total
    last = max(int(columns.ts_us[-1]) for columns in data.values())
    after = SPAN_START + timedelta(days=((last - START_US) // DAY_US // SPAN_DAYS + 1) * SPAN_DAYS)
    # A household's month fills two spans of days that are joined; a single day is left as it is.
    today = after if len(await partitions.days()) > 1 else SPAN_START + timedelta(days=1)
    cost = await compact_elsewhere(folder, today, codec)
    payload = int((await database.fetchrow("SELECT sum(octet_length(data)) FROM segments"))[0]) / total
    await database.execute("VACUUM segments")
    await database.execute(_REPEAT, SPAN_DAYS * 2)
    cold = await size(database, "segments") / (_TIMES * total)
    history = History(database, segments)
    first = next(iter(data))
    clock = perf_counter()
    end = datetime.fromtimestamp(START_US / SECOND_US, UTC) + timedelta(days=1)
    count = 0
    for _ in range(20):
        async for page in history.raw(first, end - timedelta(days=1), end):
            count += len(page)
    read_ms = (perf_counter() - clock) / 20 * 1000
    await database.close()
    way = {ZLIB: "zlib", PCO: "pco"}[codec]
    return [
        Figure(benchmark=BENCHMARK, name=f"{name}: rows", value=hot, unit="bytes/sample"),
        Figure(benchmark=BENCHMARK, name=f"{name}, {way}: segments alone", value=payload, unit="bytes/sample"),
        Figure(benchmark=BENCHMARK, name=f"{name}, {way}: in the database", value=cold, unit="bytes/sample",
               mark=_MARKS[name]),
        Figure(benchmark=BENCHMARK, name=f"{name}, {way}: time of compaction", value=cost.seconds, unit="s"),
        Figure(benchmark=BENCHMARK, name=f"{name}, {way}: processor, both processes", value=cost.cpu_seconds,
               unit="s", mark="≤ 10"),
        Figure(benchmark=BENCHMARK, name=f"{name}, {way}: memory on top", value=cost.peak_bytes / 2**20, unit="MB",
               mark="≤ 150"),
        Figure(benchmark=BENCHMARK, name=f"{name}, {way}: raw read of a day ({count // 20} samples)", value=read_ms,
               unit="ms"),
    ]  # fmt: skip


_MARKS = {"household": "≤ 0.56", "poll grid": "≤ 0.9", "jittered": "≤ 2.2"}


def decode_rate(data: Data, codec: int) -> float:
    """Return samples decoded a second by one core, day by day."""
    packed = [encode(columns, codec) for columns in data.values()]
    clock = thread_time()
    for _ in range(5):
        decoded = [decode(one) for one in packed]
    return 5 * len(chain(decoded).ts_us) / (thread_time() - clock)


async def run() -> list[Figure]:
    """Measure."""
    sets = {"household": household(), "poll grid": generated(jittered=False), "jittered": generated(jittered=True)}
    codecs = [ZLIB, PCO] if pco.AVAILABLE else [ZLIB]
    figures: list[Figure] = []
    with TemporaryDirectory() as name:
        folder = Path(name)
        server = EmbeddedServer(folder)
        await server.start()
        try:
            for label, data in sets.items():
                for codec in codecs:
                    measured = await measure(folder, label, data, codec)
                    figures += measured if codec == ZLIB else measured[1:]
        finally:
            await server.stop()
    for label, data in sets.items():
        rate = await asyncio.to_thread(decode_rate, data, ZLIB)
        figures.append(
            Figure(
                benchmark=BENCHMARK, name=f"{label}, zlib: decoded", value=rate, unit="samples/s", mark="≥ 5,000,000"
            )
        )
    return figures


if __name__ == "__main__":
    spent = asyncio.run(compact(Path(sys.argv[1]), date.fromisoformat(sys.argv[2]), int(sys.argv[3])))
    print(msgspec.json.encode(spent).decode())
