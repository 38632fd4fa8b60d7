"""Days become segments and nobody notices: every sample stays, once, whatever happens meanwhile."""

import asyncio
import contextlib
import random
import zlib
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from aetherlens.lib.clock import DAY_US, SECOND_US, from_us, to_us
from aetherlens.lib.metrics import Metrics
from aetherlens.storage import compaction
from aetherlens.storage.aggregates import AggregateHistory, Bucket
from aetherlens.storage.codec import ZLIB, pco
from aetherlens.storage.compaction import Compactor
from aetherlens.storage.errors import CompactionError, DatabaseUnavailableError
from aetherlens.storage.history import History, LatestSample
from aetherlens.storage.partitions import Partitions
from aetherlens.storage.pool import Database, Target, connect
from aetherlens.storage.raw import RawSamples
from aetherlens.storage.samples import SampleBatch, SampleStore
from aetherlens.storage.segments import SPAN_DAYS, SegmentStore
from aetherlens.storage.series import NewSeries, Series, SeriesRegistry

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
FAR = datetime(2100, 1, 1, tzinfo=UTC)

#: First day of a span of days that are joined; compaction "today" is the day after the third.
#: Days are compacted where they are native partitions.
WORLDS = ["embedded"]

MONDAY = date(1970, 1, 1) + timedelta(days=1280 * SPAN_DAYS)
MIDNIGHT = datetime(MONDAY.year, MONDAY.month, MONDAY.day, tzinfo=UTC)
MIDNIGHT_US = to_us(MIDNIGHT)
HOUR_US = 3600 * SECOND_US

Sample = tuple[int, int, float]


class PowerCutError(Exception):
    """The end of a process, as far as the database can tell."""


class House:
    """A database with everything that writes, reads and compacts its samples."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.metrics = Metrics("test")
        self.partitions = Partitions(database)
        self.samples = SampleStore(database, self.partitions)
        self.segments = SegmentStore(database, self.metrics)
        self.history = History(database, self.segments)
        self.today = MONDAY + timedelta(days=3)

    def compactor(self, after_days: int = 0) -> Compactor:
        return Compactor(
            self.database, self.partitions, self.segments, self.metrics,
            after_days=after_days, today=lambda: self.today, codec=ZLIB,
        )  # fmt: skip

    async def buckets(self, level: str, zone: str) -> list[Bucket]:
        series = Series(series_id=1, device_id="d", metric_type="temperature", unit="°C", tags={}, device_type="x")
        reader = AggregateHistory(self.database, RawSamples(self.database, self.segments), zone)
        return await reader.buckets(series, LONG_AGO, FAR, level)

    async def compact(self) -> None:
        await self.compactor().run()

    async def write(self, samples: list[Sample]) -> None:
        await self.samples.write(SampleBatch.from_lists(*(list(column) for column in zip(*samples, strict=True))))

    async def read(self, series_id: int = 1) -> list[tuple[int, float]]:
        points = [point async for page in self.history.raw(series_id, LONG_AGO, FAR) for point in page]
        return [(to_us(point.timestamp), point.value) for point in points]

    async def hot(self) -> int:
        return int((await self.database.fetchrow("SELECT count(*) FROM samples"))[0])

    async def spans(self) -> list[tuple[int, date, date, int]]:
        rows = await self.database.fetch("SELECT * FROM segments ORDER BY series_id, first_day")
        return [(row["series_id"], row["first_day"], row["last_day"], row["count"]) for row in rows]


@pytest.fixture
async def house(database: Database) -> House:
    return House(database)


def day_of(series_id: int, day: int, step_us: int = HOUR_US) -> list[Sample]:
    """Return one day's samples; days count from MONDAY."""
    start = MIDNIGHT_US + day * DAY_US
    return [(series_id, ts_us, ts_us / SECOND_US % 977 / 10) for ts_us in range(start, start + DAY_US, step_us)]


def of(series_id: int, samples: list[Sample]) -> list[tuple[int, float]]:
    """Return what a reader must see of one series."""
    return sorted({ts_us: value for number, ts_us, value in samples if number == series_id}.items())


async def test_compacted_samples_are_read_as_before(house: House) -> None:
    samples = [sample for series_id in (1, 2, 3) for day in range(4) for sample in day_of(series_id, day)]
    await house.write(samples)
    await house.compact()
    assert await house.hot() == 3 * 24  # the fourth day is not over
    assert [await house.read(series_id) for series_id in (1, 2, 3)] == [of(number, samples) for number in (1, 2, 3)]
    assert await house.partitions.days() == {MONDAY + timedelta(days=3)}
    assert house.metrics.registry.get_sample_value("aetherlens_samples_compacted_total") == 3 * 3 * 24


async def test_every_kind_of_float_survives(house: House) -> None:
    values = [0.0, -0.0, 0.1, 0.1 + 0.2, 1e-308, 5e-324, -1.7976931348623157e308, 226.0]
    await house.write([(1, MIDNIGHT_US + index, value) for index, value in enumerate(values)])
    await house.compact()
    assert [value.hex() for _, value in await house.read()] == [value.hex() for value in values]


async def test_a_day_waits_until_it_is_old_enough(house: House) -> None:
    await house.write(day_of(1, 0) + day_of(1, 1))
    await house.compactor(after_days=2).run()
    assert await house.partitions.days() == {MONDAY + timedelta(days=1)}


async def test_running_again_changes_nothing(house: House) -> None:
    await house.write(day_of(1, 0) + day_of(2, 1))
    await house.compact()
    before = await house.database.fetch("SELECT xmin::text, * FROM segments ORDER BY series_id")
    await house.compact()
    assert await house.database.fetch("SELECT xmin::text, * FROM segments ORDER BY series_id") == before


async def test_late_and_corrected_samples_are_seen_at_once_and_merged_with_the_next_run(house: House) -> None:
    samples = day_of(1, 0)
    await house.write(samples)
    await house.compact()
    late = [(1, MIDNIGHT_US + HOUR_US, 999.5), (1, MIDNIGHT_US + 7, 1.25), (2, MIDNIGHT_US + 9, 3.5)]
    await house.write(late)
    assert await house.read() == of(1, samples + late)
    await house.compact()
    assert await house.hot() == 0
    assert await house.read() == of(1, samples + late)
    assert await house.read(2) == of(2, late)
    assert await house.spans() == [(1, MONDAY, MONDAY, 25), (2, MONDAY, MONDAY, 1)]


async def test_a_writer_with_an_old_picture_of_the_partitions_loses_nothing(house: House) -> None:
    stranger = SampleStore(house.database, Partitions(house.database))
    await stranger.write(SampleBatch.from_lists([1], [MIDNIGHT_US], [1.0]))
    await house.compact()
    assert await house.partitions.days() == set()
    await stranger.write(SampleBatch.from_lists([1], [MIDNIGHT_US + 1], [2.0]))
    assert await house.read() == [(MIDNIGHT_US, 1.0), (MIDNIGHT_US + 1, 2.0)]


async def test_ranges_that_begin_and_end_anywhere_are_exact(house: House) -> None:
    samples = [sample for day in range(4) for sample in day_of(1, day)]
    await house.write(samples)
    await house.compact()
    await house.write(late := [(1, MIDNIGHT_US + DAY_US + 5, 5.0), (1, MIDNIGHT_US + 2 * DAY_US - 1, 6.0)])
    expected = of(1, samples + late)
    chance = random.Random(3)
    edges = [MIDNIGHT_US + day * DAY_US + offset for day in range(5) for offset in (-1, 0, 1, 5, 6)]
    for _ in range(60):
        start, end = sorted(chance.sample(edges, 2))
        points = [p async for page in house.history.raw(1, from_us(start), from_us(end)) for p in page]
        assert [to_us(point.timestamp) for point in points] == [ts for ts, _ in expected if start <= ts < end]


async def test_long_ranges_come_in_order_over_many_segments_and_rows(house: House) -> None:
    house.today = MONDAY + timedelta(days=13)
    samples = [sample for day in range(15) for sample in day_of(1, day, 60 * SECOND_US)]
    await house.write(samples)
    await house.compact()
    await house.write(late := [(1, MIDNIGHT_US + day * DAY_US + 1, float(day)) for day in range(0, 13, 3)])
    assert await house.read() == of(1, samples + late)


async def test_buckets_are_those_of_the_rows(house: House) -> None:
    # Near the ends of summer time in Paris, and of that on Lord Howe, whose clock goes half an hour.
    for first in (date(2026, 3, 28), date(2026, 4, 3), date(2026, 10, 24)):
        start_us = to_us(datetime(first.year, first.month, first.day, tzinfo=UTC)) + 7
        await house.write([(1, start_us + minute * 60 * SECOND_US, minute % 61 / 4) for minute in range(4000)])
    zones = ("UTC", "Asia/Kathmandu", "Europe/Paris", "Australia/Lord_Howe")
    questions = [(level, "UTC") for level in ("1m", "5m", "15m", "1h")] + [("1d", zone) for zone in zones]
    before = [await house.buckets(*question) for question in questions]
    house.today = date(2026, 10, 25)
    await house.compact()
    # a sample that stands in rows and segment counts once
    await house.write([(1, to_us(datetime(2026, 3, 28, tzinfo=UTC)) + 7, 0.0)])
    assert [await house.buckets(*question) for question in questions] == before


async def test_the_newest_samples_are_found_on_both_sides(house: House) -> None:
    registry = SeriesRegistry(house.database)
    news = [NewSeries(device_id=f"d{number}", metric_type="power", unit="W", tags={}) for number in range(3)]
    await registry.register("test", news)
    await house.write([(number, MIDNIGHT_US + number, float(number)) for number in (1, 2, 3)])
    await house.compact()
    await house.write([(2, MIDNIGHT_US + DAY_US, 20.0), (3, MIDNIGHT_US, 30.0)])
    latest = await house.history.latest(MIDNIGHT)
    assert sorted(latest, key=lambda one: one.series_id) == [
        LatestSample(1, from_us(MIDNIGHT_US + 1), 1.0),
        LatestSample(2, from_us(MIDNIGHT_US + DAY_US), 20.0),
        LatestSample(3, from_us(MIDNIGHT_US + 3), 3.0),
    ]
    assert await house.history.latest(MIDNIGHT + timedelta(days=2)) == []


async def test_past_days_are_joined_and_stay_exact(house: House) -> None:
    samples = [sample for day in range(SPAN_DAYS + 2) for sample in day_of(1, day) + day_of(7, day)]
    house.today = MONDAY + timedelta(days=SPAN_DAYS)
    await house.write(samples)
    await house.compact()
    last = MONDAY + timedelta(days=SPAN_DAYS - 1)
    assert await house.spans() == [(1, MONDAY, last, SPAN_DAYS * 24), (7, MONDAY, last, SPAN_DAYS * 24)]
    await house.write(late := [(1, MIDNIGHT_US + 3 * DAY_US + 5, 5.5)])
    await house.compact()
    assert await house.spans() == [(1, MONDAY, last, SPAN_DAYS * 24 + 1), (7, MONDAY, last, SPAN_DAYS * 24)]
    assert [await house.read(number) for number in (1, 7)] == [of(number, samples + late) for number in (1, 7)]
    house.today += timedelta(days=2)
    await house.compact()
    assert [await house.read(number) for number in (1, 7)] == [of(number, samples + late) for number in (1, 7)]


async def test_joined_segments_have_a_limit(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "JOINED_SAMPLES", 72)
    house.today = MONDAY + timedelta(days=SPAN_DAYS)
    samples = [sample for day in range(5) for sample in day_of(1, day)]
    await house.write(samples)
    await house.compact()
    assert [count for *_, count in await house.spans()] == [72, 48]
    assert await house.read() == of(1, samples)


async def test_a_corrupt_segment_is_put_aside_counted_and_never_answered_from(house: House) -> None:
    samples = [sample for day in range(3) for sample in day_of(1, day)]
    await house.write(samples)
    await house.compact()
    await house.database.execute(
        "UPDATE segments SET data = set_byte(data, 20, get_byte(data, 20) # 4) WHERE first_day = $1",
        MONDAY + timedelta(days=1),
    )
    without = [(ts, value) for ts, value in of(1, samples) if not 1 <= (ts - MIDNIGHT_US) // DAY_US < 2]
    assert await house.read() == without
    row = await house.database.fetchrow("SELECT * FROM segments_quarantine")
    assert (row["first_day"], row["count"], row["reason"]) == (
        MONDAY + timedelta(days=1), 24, "the checksum is wrong",
    )  # fmt: skip
    assert house.metrics.registry.get_sample_value("aetherlens_segments_quarantined_total") == 1
    await house.write(again := day_of(1, 1))
    await house.compact()
    assert await house.read() == of(1, without_day(samples) + again)


def without_day(samples: list[Sample]) -> list[Sample]:
    return [sample for sample in samples if (sample[1] - MIDNIGHT_US) // DAY_US != 1]


async def test_a_sound_segment_in_the_wrong_row_is_corrupt(house: House) -> None:
    await house.write(day_of(1, 0) + day_of(1, 1, 2 * HOUR_US))
    await house.compact()
    await house.database.execute(
        "UPDATE segments SET data = (SELECT data FROM segments WHERE first_day = $1)", MONDAY
    )  # fmt: skip
    assert await house.read() == of(1, day_of(1, 0))


async def test_late_samples_of_a_corrupt_segment_are_kept(house: House) -> None:
    await house.write(day_of(1, 0))
    await house.compact()
    await house.database.execute("UPDATE segments SET data = 'rubbish'")
    await house.write([(1, MIDNIGHT_US + 5, 5.0)])
    await house.compact()
    assert await house.read() == [(MIDNIGHT_US + 5, 5.0)]
    assert (await house.database.fetchrow("SELECT count(*) FROM segments_quarantine"))[0] == 1


async def test_a_day_that_cannot_be_compacted_does_not_keep_the_others_from_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.write(day_of(1, 0))
    await house.compact()
    monkeypatch.setattr(pco, "AVAILABLE", False)  # a sound segment, but of a library that is gone
    rest = bytes.fromhex("18000103010000")
    data = b"\x02" + zlib.crc32(rest, zlib.crc32(b"\x02")).to_bytes(4, "little") + rest
    await house.database.execute("UPDATE segments SET data = $1", data)
    await house.write([(1, MIDNIGHT_US + 5, 5.0), *day_of(2, 1)])
    with pytest.raises(CompactionError, match="1 parts"):
        await house.compact()
    assert await house.partitions.days() == {MONDAY}
    assert await house.read(2) == of(2, day_of(2, 1))
    assert (await house.database.fetchrow("SELECT count(*) FROM segments_quarantine"))[0] == 0


@pytest.mark.parametrize("step", ["claim", "counts", "rows", "empty", "drop_if_empty"])
@pytest.mark.parametrize("after", [False, True])
async def test_a_failure_at_any_step_leaves_every_sample_once(
    house: House, monkeypatch: pytest.MonkeyPatch, step: str, after: bool
) -> None:
    samples = day_of(1, 0) + day_of(2, 0) + day_of(1, 1)
    await house.write(samples)
    sound: Any = getattr(house.partitions, step)

    async def broken(*arguments: Any) -> Any:
        if after:
            await sound(*arguments)
        raise PowerCutError

    monkeypatch.setattr(house.partitions, step, broken)
    with pytest.raises(PowerCutError):
        await house.compact()
    assert [await house.read(number) for number in (1, 2)] == [of(number, samples) for number in (1, 2)]
    monkeypatch.setattr(house.partitions, step, sound)
    await house.compact()
    assert [await house.read(number) for number in (1, 2)] == [of(number, samples) for number in (1, 2)]
    assert await house.hot() == 0
    assert await house.partitions.days() == set()


async def test_a_connection_that_is_cut_in_the_middle_changes_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch, database_target: Target
) -> None:
    samples = [sample for number in (1, 2, 3) for sample in day_of(number, 0)]
    await house.write(samples)
    monkeypatch.setattr(compaction, "GROUP_SAMPLES", 1)  # one series after the other
    write = house.segments.write

    async def write_and_die(connection: Any, segments: Any) -> None:
        await write(connection, segments)
        if segments[0].series_id == 2:
            await house.database.execute("SELECT pg_terminate_backend($1)", connection.get_server_pid())

    monkeypatch.setattr(house.segments, "write", write_and_die)
    with pytest.raises(Exception, match=r"does not answer|terminat"):
        await house.compact()
    assert await house.spans() == []
    assert [await house.read(number) for number in (1, 2, 3)] == [of(number, samples) for number in (1, 2, 3)]


async def test_writers_beside_a_compaction_lose_nothing(database_target: Target) -> None:
    database = await connect(database_target, 8)
    house = House(database)
    written: list[Sample] = []
    done = asyncio.Event()

    async def keep_writing(series_id: int) -> None:
        chance = random.Random(series_id)
        while not done.is_set():
            batch = [
                (series_id, MIDNIGHT_US + chance.randrange(3) * DAY_US + chance.randrange(5000), chance.random())
                for _ in range(50)
            ]
            # As every writer does: what the database did not take now is sent again.
            while True:
                with contextlib.suppress(DatabaseUnavailableError):
                    await house.write(batch)
                    break
            written.extend(batch)

    async def keep_reading() -> None:
        """What was acknowledged before a read is in it."""
        while not done.is_set():
            expected = {ts_us for number, ts_us, _ in written if number == 1}
            seen = [ts_us for ts_us, _ in await house.read()]
            assert expected <= set(seen)
            assert len(seen) == len(set(seen))

    async with asyncio.TaskGroup() as group:
        for series_id in (1, 2):
            group.create_task(keep_writing(series_id))
        group.create_task(keep_reading())
        for _ in range(15):
            await house.compact()
        done.set()
    assert [await house.read(number) for number in (1, 2)] == [of(number, written) for number in (1, 2)]
    await house.compact()
    assert await house.hot() == 0
    assert [await house.read(number) for number in (1, 2)] == [of(number, written) for number in (1, 2)]
    await database.close()


async def test_only_one_core_compacts_at_a_time(house: House, database_target: Target) -> None:
    await house.write(day_of(1, 0))
    other: Any = await asyncpg.connect(**database_target)
    async with other.transaction():
        await other.fetchval("SELECT pg_try_advisory_xact_lock(hashtextextended('aetherlens.compaction', 0))")
        await house.compact()
        assert await house.spans() == []
    await house.compact()
    assert len(await house.spans()) == 1
    await other.close()


async def test_a_day_that_somebody_writes_for_long_is_postponed(house: House, database_target: Target) -> None:
    await house.write(day_of(1, 0) + day_of(1, 1))
    other: Any = await asyncpg.connect(**database_target)
    async with other.transaction():
        await other.execute("INSERT INTO samples VALUES (1, $1, 5)", MIDNIGHT + timedelta(microseconds=5))
        await house.compact()
        assert [first for _, first, *_ in await house.spans()] == [MONDAY + timedelta(days=1)]
    await other.close()
    await house.compact()
    assert await house.read() == of(1, [*day_of(1, 0), *day_of(1, 1), (1, MIDNIGHT_US + 5, 5.0)])


async def test_a_read_without_samples_is_empty(house: House) -> None:
    assert await house.read() == []
    assert await house.buckets("1h", "UTC") == []
