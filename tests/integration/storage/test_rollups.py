"""Aggregates equal a plain computation over the raw samples, whatever came when, wherever the home is."""

import asyncio
import contextlib
import gzip
import json
import math
import random
import statistics
import sys
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aetherlens.lib.clock import to_us
from aetherlens.lib.metrics import Metrics
from aetherlens.storage import rollups as rollups_module
from aetherlens.storage.aggregates import AggregateHistory
from aetherlens.storage.dirty import mark, watermark_us
from aetherlens.storage.partitions import Partitions
from aetherlens.storage.pool import Database, Target, connect
from aetherlens.storage.raw import RawSamples
from aetherlens.storage.rollups import Rollups
from aetherlens.storage.samples import SampleBatch, SampleStore
from aetherlens.storage.segments import SegmentStore
from aetherlens.storage.series import NewSeries, Series, SeriesRegistry
from aetherlens.storage.statements import statement
from product import ROOT

NOON = datetime(2026, 6, 21, 12, tzinfo=UTC)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
FAR = datetime(2100, 1, 1, tzinfo=UTC)
GAP = timedelta(minutes=5)
MONTH = ROOT.parent / "shared" / "data" / "household-2007-03.csv.gz"
TYPES = ("power", "energy", "temperature")
#: Home → a day on which its clocks change, or any.
HOMES = {
    "Europe/Paris": [date(2026, 3, 29), date(2026, 10, 25)],
    "Asia/Kathmandu": [date(2026, 3, 29)],
    "Australia/Lord_Howe": [date(2026, 4, 5), date(2026, 10, 4)],
}
TABLES = {"15m": "rollup_15m", "1h": "rollup_1h", "1d": "rollup_1d"}

Samples = Mapping[datetime, float]
Bucket = dict[str, float | None]


def bounds(level: str, first: datetime, last: datetime, zone: ZoneInfo) -> list[datetime]:
    """Every minute at which a bucket begins, from a day before the first sample to a day after the last."""
    if level == "1d":
        days = (last - first).days + 4
        start = first.astimezone(zone).date() - timedelta(days=1)
        return [datetime.combine(start + timedelta(n), time(), zone).astimezone(UTC) for n in range(days)]
    moment = (first - timedelta(days=1)).replace(minute=0, second=0, microsecond=0)
    found = []
    while moment < last + timedelta(days=1):
        if level == "15m" or moment.astimezone(zone).minute == 0:
            found.append(moment)
        moment += timedelta(minutes=15)
    return found


def brute_force(samples: Samples, level: str, zone: ZoneInfo, metric_type: str) -> dict[datetime, Bucket]:
    """Do what docs/decisions/0007 says, slowly."""
    ordered = sorted(samples.items())
    times = [moment for moment, _ in ordered]
    result = {}
    for start, end in pairwise(bounds(level, ordered[0][0], ordered[-1][0], zone)):
        low, high = bisect_left(times, start), bisect_left(times, end)
        inside = [value for _, value in ordered[low:high]]
        covered = area = rise = 0.0
        touched = False
        for (left, before), (right, after) in pairwise(ordered[max(low - 1, 0) : high + 1]):
            overlap = (min(right, end) - max(left, start)).total_seconds()
            if overlap <= 0:
                continue
            touched = True
            rise += max(after - before, 0) * overlap / (right - left).total_seconds()
            if right - left <= GAP:
                covered += overlap
                area += before * overlap
        energy = None
        if metric_type == "power" and covered:
            energy = area / 3.6e6
        if metric_type == "energy" and touched:
            energy = rise
        if not (inside or covered or energy):
            continue
        result[start] = {
            "avg": statistics.fmean(inside) if inside else None,
            "time_avg": area / covered if covered else None,
            "min": min(inside, default=None),
            "max": max(inside, default=None),
            "sum": math.fsum(inside) if inside else None,
            "count": len(inside),
            "median": statistics.median(inside) if inside else None,
            "p95": percentile_cont(inside, 0.95) if inside else None,
            "first": inside[0] if inside else None,
            "last": inside[-1] if inside else None,
            "energy_kwh": energy,
            "coverage": covered / (end - start).total_seconds(),
        }
    return result


def percentile_cont(values: Sequence[float], share: float) -> float:
    ranked = sorted(values)
    whole, part = divmod(share * (len(ranked) - 1), 1)
    low = ranked[int(whole)]
    return low if not part else low + (ranked[int(whole) + 1] - low) * part


class House:
    """A database with one series of each kind, and what a plain dictionary says it should hold."""

    def __init__(self, database: Database, zone: str, series: Mapping[str, Series]) -> None:
        self.database = database
        self.zone = ZoneInfo(zone)
        self.series = series
        self.store = SampleStore(database, Partitions(database))
        self.rollups = Rollups(database, RawSamples(database, SegmentStore(database, Metrics("test"))), zone)
        self.reader = AggregateHistory(database, RawSamples(database, SegmentStore(database, Metrics("test"))), zone)
        self.held: dict[str, dict[datetime, float]] = {name: {} for name in TYPES}

    @classmethod
    async def build(cls, database: Database, zone: str) -> "House":
        registry = SeriesRegistry(database)
        wanted = [NewSeries(device_id="meter", metric_type=name, unit="1", tags={}) for name in TYPES]
        await registry.register("test", wanted)
        found = {name: registry.find("meter", name) for name in TYPES}
        return cls(database, zone, {name: series for name, series in found.items() if series})

    async def write(self, name: str, samples: Samples) -> None:
        series_id = self.series[name].series_id
        times = [to_us(moment) for moment in samples]
        await self.store.write(SampleBatch.from_lists([series_id] * len(samples), times, list(samples.values())))
        self.held[name] |= samples

    async def table(self, level: str, name: str) -> dict[datetime, Bucket]:
        rows = await self.database.fetch(
            f"SELECT * FROM {TABLES[level]} WHERE series_id = $1 ORDER BY bucket", self.series[name].series_id
        )
        return {row["bucket"]: {key: row[key] for key in list(row.keys())[2:]} for row in rows}

    async def check_tables(self) -> None:
        """What is stored is what a plain computation says, in every level of every series."""
        for name, samples in self.held.items():
            for level in TABLES:
                expected = brute_force(samples, level, self.zone, name) if samples else {}
                same(await self.table(level, name), expected)

    async def check_answers(self) -> None:
        """What is read is right at any time, whatever is computed."""
        for name, samples in self.held.items():
            for level in ("15m", "1h", "1d"):
                expected = brute_force(samples, level, self.zone, name) if samples else {}
                points = await self.reader.buckets(self.series[name], LONG_AGO, FAR, level)
                got = {
                    point.timestamp: {
                        "avg": point.value, "min": point.min, "max": point.max, "count": point.count,
                        "energy_kwh": point.energy_kwh,
                    }
                    for point in points
                }  # fmt: skip
                assert len(got) == len(points)
                same(
                    got, {start: {key: row[key] for key in next(iter(got.values()))} for start, row in expected.items()}
                )


def same(got: Mapping[datetime, Bucket], expected: Mapping[datetime, Bucket]) -> None:
    """Both have the same buckets with the same numbers, but for the last bits."""
    assert list(got) == sorted(expected)
    for start, row in expected.items():
        assert plain(got[start]) == pytest.approx(plain(row), rel=1e-9, abs=1e-9, nan_ok=True), start


def plain(row: Bucket) -> dict[str, float]:
    return {key: math.nan if value is None else value for key, value in row.items()}


@pytest.fixture
async def house(database: Database) -> House:
    return await House.build(database, "Europe/Paris")


def polls(start: datetime, count: int, step_s: float, value: float = 100.0) -> dict[datetime, float]:
    return {start + timedelta(seconds=step_s * n): value + n % 7 for n in range(count)}


# Times of a few days around the change, dense enough to share quarter hours, sparse enough to have gaps.
_offsets = st.one_of(st.integers(0, 3 * 86_400), st.integers(86_000, 90_000))
_batch = st.dictionaries(_offsets, st.floats(-1e6, 1e6).map(lambda value: round(value, 3)), min_size=1, max_size=30)
_steps = st.lists(
    st.tuples(st.sampled_from(TYPES), _batch, st.sampled_from(["", "run", "run much later", "delete"])),
    min_size=1, max_size=6,
)  # fmt: skip


@pytest.mark.parametrize("zone", HOMES)
def test_aggregates_equal_brute_force(postgres: Any, database_target: Target, zone: str) -> None:
    """Late samples, corrections, deletions, gaps and changes of the clock, with runs in between."""

    async def scenario(day: date, steps: Sequence[tuple[str, Mapping[int, float], str]]) -> None:
        database = await connect(database_target, 2)
        try:
            await database.execute(
                "TRUNCATE samples, rollup_15m, rollup_1h, rollup_1d, rollup_dirty; "
                "UPDATE rollup_state SET watermark = NULL, time_zone = NULL"
            )
            await play(await House.build(database, zone), day, steps)
        finally:
            await database.close()

    @settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(HOMES[zone]), _steps)
    def run(day: date, steps: Sequence[tuple[str, Mapping[int, float], str]]) -> None:
        with asyncio.Runner() as runner:
            runner.run(scenario(day, steps))

    run()


async def play(house: House, day: date, steps: Sequence[tuple[str, Mapping[int, float], str]]) -> None:
    origin = datetime.combine(day, time(), house.zone).astimezone(UTC) - timedelta(days=1)
    for name, batch, then in steps:
        await house.write(name, {origin + timedelta(seconds=offset): value for offset, value in batch.items()})
        if then == "delete":
            await delete(house, name, origin + timedelta(seconds=min(batch)))
        elif then:
            await house.rollups.run(origin + timedelta(days=1.3 if then == "run" else 2.1))
    await house.check_answers()
    await house.rollups.run(origin + timedelta(days=30))
    await house.check_tables()
    await house.check_answers()


async def delete(house: House, name: str, moment: datetime) -> None:
    """Take one sample away, and note it in the same transaction."""
    series_id = house.series[name].series_id
    async with house.database.acquire() as connection, connection.transaction():
        watermark = await watermark_us(connection)
        await connection.execute("DELETE FROM samples WHERE series_id = $1 AND ts = $2", series_id, moment)
        await mark(connection, watermark, np.array([series_id], np.int32), np.array([to_us(moment)]))
    house.held[name].pop(moment)


async def test_what_is_closed_is_written_once(house: House) -> None:
    await house.write("power", polls(NOON, 720, 10))
    await house.rollups.run(NOON + timedelta(hours=2, minutes=1))
    first = await house.database.fetch("SELECT xmin::text, * FROM rollup_15m ORDER BY bucket")
    assert len(first) == 8
    await house.write("power", polls(NOON + timedelta(hours=2), 90, 10))
    await house.rollups.run(NOON + timedelta(hours=2, minutes=16))
    again = await house.database.fetch("SELECT xmin::text, * FROM rollup_15m ORDER BY bucket")
    # The last quarter hour learned how long its last sample held; the ones before stay untouched.
    assert again[:7] == first[:7]
    assert len(again) == 9


async def test_the_order_of_arrival_does_not_matter(database: Database, house: House) -> None:
    """The very same bits, whether samples come in order or shuffled, with runs in between."""
    samples = list(polls(NOON, 1000, 37).items())
    for name in ("power", "energy"):
        await house.write(name, dict(samples))
    await house.rollups.run(NOON + timedelta(days=3))
    expected = [await house.table(level, name) for level in TABLES for name in ("power", "energy")]
    await database.execute(
        "TRUNCATE samples, rollup_15m, rollup_1h, rollup_1d; UPDATE rollup_state SET watermark = NULL"
    )
    random.Random(7).shuffle(samples)
    for part in range(0, 1000, 100):
        for name in ("power", "energy"):
            await house.write(name, dict(samples[part : part + 100]))
        await house.rollups.run(NOON + timedelta(days=part / 400))
    await house.rollups.run(NOON + timedelta(days=3))
    assert [await house.table(level, name) for level in TABLES for name in ("power", "energy")] == expected


@pytest.mark.skipif(not MONTH.exists(), reason="the full month shared/data/household-2007-03.csv.gz is not here")
async def test_a_month_of_a_real_household_has_its_energy(house: House) -> None:
    with gzip.open(MONTH, "rt") as file:
        rows = [line.split(",") for line in file.read().splitlines()[1:]]
    await house.write(
        "power", {datetime.fromisoformat(row[0]).replace(tzinfo=UTC): float(row[1]) * 1000 for row in rows}
    )
    await house.rollups.run(datetime(2007, 5, 1, tzinfo=UTC))
    for table in TABLES.values():
        total = await house.database.fetchrow(f"SELECT sum(energy_kwh), sum(count) FROM {table}")
        assert tuple(total) == (pytest.approx(981.07, rel=0.001), 44_640)


@pytest.mark.parametrize("name", ["power", "energy"])
async def test_quarter_hours_add_up_to_their_day(house: House, name: str) -> None:
    await house.write(name, {moment: n * 0.5 for n, moment in enumerate(polls(NOON, 30_000, 11.3))})
    await house.rollups.run(NOON + timedelta(days=9))
    rows = await house.database.fetch(
        "SELECT day.bucket, day.energy_kwh, sum(quarter.energy_kwh) AS total FROM rollup_1d AS day "
        "JOIN rollup_15m AS quarter ON quarter.bucket >= day.bucket AND quarter.bucket < day.bucket + interval '1 day' "
        "GROUP BY 1, 2"
    )
    assert len(rows) == 5
    for row in rows:
        assert row["total"] == pytest.approx(row["energy_kwh"], rel=1e-12)


async def test_a_counter_that_returns_after_weeks_makes_no_spike_and_loses_nothing(house: House) -> None:
    await house.write("energy", {NOON: 100.0, NOON + timedelta(days=21): 142.0, NOON + timedelta(days=22): 7.0})
    await house.rollups.run(NOON + timedelta(days=40))
    days = await house.table("1d", "energy")
    assert sum(day["energy_kwh"] or 0 for day in days.values()) == pytest.approx(42)
    assert max(day["energy_kwh"] or 0 for day in days.values()) == pytest.approx(2)
    assert min(day["energy_kwh"] or 0 for day in days.values()) >= 0
    assert {day["coverage"] for day in days.values()} == {0}


async def test_a_new_time_zone_computes_hours_and_days_anew(house: House) -> None:
    await house.write("power", polls(NOON, 3000, 60))
    await house.rollups.run(NOON + timedelta(days=4))
    moved = House(house.database, "Asia/Kathmandu", house.series)
    moved.held = house.held
    await moved.check_answers()
    await moved.rollups.run(NOON + timedelta(days=4))
    await moved.check_tables()
    await moved.check_answers()


async def test_samples_of_before_the_first_run_are_computed(house: House) -> None:
    await house.write("power", polls(NOON - timedelta(days=40), 100, 60))
    await house.write("temperature", polls(NOON, 100, 60))
    await house.rollups.run(NOON + timedelta(days=2))
    await house.check_tables()


async def test_a_backlog_is_worked_off_in_steps(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that may not last long still gets on, and answers are right all the time."""
    monkeypatch.setattr(rollups_module, "BUDGET_S", 0.02)
    await house.write("temperature", polls(NOON, 3, 60))
    await house.rollups.run(NOON)
    for n in range(0, 120, 8):
        await house.write("power", polls(NOON - timedelta(days=n), 40, 60))
    runs = 0
    while not runs or await house.database.fetch("SELECT FROM rollup_dirty"):
        await house.rollups.run(NOON + timedelta(days=2))
        await house.check_answers()
        runs += 1
        assert runs < 100
    assert runs > 1
    await house.check_tables()


async def test_a_run_that_dies_anywhere_leaves_nothing_wrong(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut off before each of its statements in turn, a run is made good by the next."""
    await house.write("power", polls(NOON, 400, 60))
    await house.rollups.run(NOON + timedelta(hours=3))
    for position in range(16):
        await house.write("power", polls(NOON + timedelta(hours=1, seconds=position), 20, 60, 500.0))
        calls = 0

        def dying(name: str, position: int = position) -> str:
            nonlocal calls
            calls += 1
            if calls > position:
                raise ZeroDivisionError
            return statement(name)

        monkeypatch.setattr(rollups_module, "statement", dying)
        with contextlib.suppress(ZeroDivisionError):
            await house.rollups.run(NOON + timedelta(hours=3, minutes=15 * position))
        await house.check_answers()
        monkeypatch.setattr(rollups_module, "statement", statement)
    await house.rollups.run(NOON + timedelta(days=3))
    await house.check_tables()


WORKER = """
import asyncio, json, sys
from datetime import datetime, timedelta
from aetherlens.lib.metrics import Metrics
from aetherlens.storage.pool import connect
from aetherlens.storage.raw import RawSamples
from aetherlens.storage.rollups import Rollups
from aetherlens.storage.segments import SegmentStore

async def main(target, zone, now):
    database = await connect(target, 2)
    print("ready", flush=True)
    for hour in range(1000):
        raw = RawSamples(database, SegmentStore(database, Metrics("test")))
        await Rollups(database, raw, zone).run(now + timedelta(hours=hour))

asyncio.run(main(json.loads(sys.argv[1]), sys.argv[2], datetime.fromisoformat(sys.argv[3])))
"""


async def test_a_killed_process_leaves_nothing_wrong(house: House, database_target: Target) -> None:
    """Each round writes late samples, and kills whoever computes at a random moment."""
    moments = random.Random(3)
    for number in range(6):
        for name in TYPES:
            start = NOON + timedelta(hours=number, seconds=number)
            await house.write(name, polls(start, 300, 61, 10.0 * number))
        worker = await asyncio.create_subprocess_exec(
            sys.executable, "-c", WORKER, json.dumps(database_target, default=str), house.zone.key,
            (NOON + timedelta(hours=6 * number)).isoformat(), stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert worker.stdout is not None
        assert await asyncio.wait_for(worker.stdout.readline(), 30) == b"ready\n"
        await asyncio.sleep(moments.uniform(0.01, 0.5))
        worker.kill()
        await worker.communicate()
        await house.check_answers()
    await house.rollups.run(NOON + timedelta(days=90))
    await house.check_tables()


async def test_samples_that_come_while_their_bucket_is_computed_are_not_forgotten(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = RawSamples.read
    late = iter(range(50))

    async def read_then_write(self: RawSamples, series_id: int, start_us: int, end_us: int) -> Any:
        samples = await read(self, series_id, start_us, end_us)
        if (n := next(late, None)) is not None:
            await house.write("power", {NOON + timedelta(seconds=n, minutes=n): 1000.0 + n})
        return samples

    await house.write("power", polls(NOON, 100, 60))
    with monkeypatch.context() as patch:
        patch.setattr(RawSamples, "read", read_then_write)
        await house.rollups.run(NOON + timedelta(days=3))
    await house.rollups.run(NOON + timedelta(days=3))
    await house.check_tables()


async def test_the_watermark_waits_for_writers(house: House) -> None:
    """Samples of a transaction that is still open when the watermark wants to pass are noted or seen."""
    await house.write("power", polls(NOON, 60, 60))
    await house.rollups.run(NOON + timedelta(minutes=31))
    series_id = house.series["power"].series_id
    async with house.database.acquire() as connection, connection.transaction():
        watermark = await watermark_us(connection)
        await connection.execute("INSERT INTO samples VALUES ($1, $2, 777)", series_id, NOON + timedelta(minutes=50.5))
        running = asyncio.create_task(house.rollups.run(NOON + timedelta(hours=3)))
        await asyncio.sleep(0.3)
        assert not running.done()
        await mark(connection, watermark, np.array([series_id], np.int32), np.array([to_us(NOON) + 3030 * 10**6]))
    await running
    house.held["power"][NOON + timedelta(minutes=50.5)] = 777.0
    await house.rollups.run(NOON + timedelta(days=2))
    await house.check_tables()


async def test_views_name_the_series(house: House) -> None:
    await house.write("power", polls(NOON, 3000, 60))
    await house.rollups.run(NOON + timedelta(days=3))
    for view in ("metrics_15m", "metrics_hourly", "metrics_daily"):
        row = (await house.database.fetch(f"SELECT * FROM {view} ORDER BY bucket DESC LIMIT 1"))[0]
        assert (row["device_id"], row["metric_type"], row["unit"]) == ("meter", "power", "1")
        comment = await house.database.fetchrow("SELECT obj_description($1::text::regclass, 'pg_class')", view)
        assert comment[0]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("rollup_read_15m", (1, NOON, NOON + timedelta(days=2))),
        ("rollup_read_1h", (1, NOON, NOON + timedelta(days=2))),
        ("rollup_read_1d", (1, NOON, NOON + timedelta(days=2))),
        ("rollup_dirty_next", ()),
        ("rollup_settled", (1,)),
        ("segments_newest", (1, NOON, NOON + timedelta(hours=1))),
        ("segments_oldest", (1, NOON, NOON + timedelta(hours=1))),
        ("raw_before", (1, NOON, NOON + timedelta(days=1))),
        ("raw_after", (1, NOON, NOON + timedelta(days=1))),
    ],
)
async def test_hot_queries_use_their_index(database: Database, name: str, arguments: tuple[Any, ...]) -> None:
    await Partitions(database).ensure({NOON.date(), NOON.date() + timedelta(days=1)})
    async with database.acquire() as connection:
        for table in ("rollup_15m", "rollup_1h", "rollup_1d"):
            await connection.execute(
                f"INSERT INTO {table} SELECT s, $1::timestamptz + n * interval '15 minutes', "
                "1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 "
                "FROM generate_series(1, 20) s, generate_series(1, 1000) n", NOON,
            )  # fmt: skip
        await connection.execute(
            "INSERT INTO samples SELECT s, $1::timestamptz + n * interval '10 seconds', 1 "
            "FROM generate_series(1, 20) s, generate_series(1, 2000) n", NOON,
        )  # fmt: skip
        await connection.execute(
            "INSERT INTO segments SELECT s, $1::date + n, $1::date + n, $1, $1, 1, true, '' "
            "FROM generate_series(1, 50) s, generate_series(1, 100) n", NOON,
        )  # fmt: skip
        await connection.execute(
            "INSERT INTO rollup_dirty SELECT s, $1::date + n, $1, $1 "
            "FROM generate_series(1, 50) s, generate_series(1, 100) n", NOON,
        )  # fmt: skip
        await connection.execute("ANALYZE")
        plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {statement(name)}", *arguments))
    assert "Index" in plan
    assert "Seq Scan on rollup" not in plan.replace("Seq Scan on rollup_state", "one row")
    assert "Seq Scan on samples" not in plan
