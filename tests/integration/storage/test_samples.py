"""Samples go in by COPY and come back exactly."""

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aetherlens.lib.clock import DAY_US, to_us
from aetherlens.lib.metrics import Metrics
from aetherlens.storage.history import History, Point
from aetherlens.storage.partitions import Partitions
from aetherlens.storage.pool import Database
from aetherlens.storage.readings import PAGE_ROWS
from aetherlens.storage.samples import SampleBatch, SampleStore
from aetherlens.storage.segments import SegmentStore
from aetherlens.storage.series import NewSeries, SeriesRegistry

NOON = datetime(2026, 6, 21, 12, tzinfo=UTC)
FAR = datetime(2100, 1, 1, tzinfo=UTC)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@pytest.fixture
async def store(database: Database) -> SampleStore:
    return SampleStore(database, Partitions(database))


def history(database: Database) -> History:
    return History(database, SegmentStore(database, Metrics("test")))


async def read(database: Database, series_id: int) -> list[Point]:
    return [point async for page in history(database).raw(series_id, LONG_AGO, FAR) for point in page]


async def test_every_kind_of_float_comes_back_bit_for_bit(database: Database, store: SampleStore) -> None:
    values = [0.0, -0.0, 0.1, 1e-308, 5e-324, -1.7976931348623157e308, math.pi, 226.0]
    times = [to_us(NOON) + index for index in range(len(values))]
    await store.write(SampleBatch.from_lists([7] * len(values), times, values))
    points = await read(database, 7)
    assert [point.value.hex() for point in points] == [value.hex() for value in values]
    assert [to_us(point.timestamp) for point in points] == times


async def test_a_batch_over_several_days_lands_in_several_partitions(database: Database, store: SampleStore) -> None:
    times = [to_us(NOON) + day * DAY_US for day in range(-400, 3, 40)]
    await store.write(SampleBatch.from_lists([1] * len(times), times, [float(n) for n in range(len(times))]))
    assert [to_us(point.timestamp) for point in await read(database, 1)] == times
    rows = await database.fetch("SELECT count(DISTINCT tableoid) AS days FROM samples")
    assert rows[0]["days"] == len(times)


async def test_a_batch_that_is_sent_again_changes_nothing(database: Database, store: SampleStore) -> None:
    batch = SampleBatch.from_lists([1, 2], [to_us(NOON)] * 2, [1.0, 2.0])
    await store.write(batch)
    before = await database.fetch("SELECT xmin::text, * FROM samples ORDER BY series_id")
    await store.write(batch)
    assert await database.fetch("SELECT xmin::text, * FROM samples ORDER BY series_id") == before


async def test_a_sample_that_is_sent_again_with_another_value_corrects_the_first(
    database: Database, store: SampleStore
) -> None:
    await store.write(SampleBatch.from_lists([1, 1], [to_us(NOON), to_us(NOON) + 1], [1.0, 2.0]))
    await store.write(SampleBatch.from_lists([1, 1], [to_us(NOON), to_us(NOON) + 2], [9.0, 3.0]))
    assert [point.value for point in await read(database, 1)] == [9.0, 2.0, 3.0]


async def test_of_two_samples_with_one_time_in_a_batch_the_last_stands(database: Database, store: SampleStore) -> None:
    await store.write(SampleBatch.from_lists([1, 1, 1], [to_us(NOON)] * 3, [1.0, 2.0, 3.0]))
    assert [point.value for point in await read(database, 1)] == [3.0]


async def test_a_long_range_is_read_in_pages_without_loss(database: Database, store: SampleStore) -> None:
    count = 2 * PAGE_ROWS
    times = [to_us(NOON) + second * 1_000_000 for second in range(count)]
    await store.write(SampleBatch.from_lists([1] * count, times, [float(n) for n in range(count)]))
    pages = [page async for page in history(database).raw(1, LONG_AGO, FAR)]
    assert [len(page) for page in pages] == [PAGE_ROWS, PAGE_ROWS]
    assert [point.value for page in pages for point in page] == [float(n) for n in range(count)]


async def test_the_metrics_view_joins_names_and_units(database: Database, store: SampleStore) -> None:
    registry = SeriesRegistry(database)
    await registry.register("test", [NewSeries(device_id="m1", metric_type="power", unit="W", tags={"phase": "a"})])
    series = registry.find("m1", "power")
    assert series is not None
    await store.write(SampleBatch.from_lists([series.series_id], [to_us(NOON)], [230.5]))
    row = (await database.fetch('SELECT * FROM metrics WHERE tags @> \'{"phase": "a"}\''))[0]
    assert (row["time"], row["device_id"], row["metric_type"], row["value"], row["unit"]) == (
        NOON, "m1", "power", 230.5, "W",
    )  # fmt: skip


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 5), st.floats(allow_nan=False, allow_infinity=False)), min_size=1
    )
)
def test_keeping_the_last_of_each_is_what_a_dictionary_does(rows: list[tuple[int, int, float]]) -> None:
    batch = SampleBatch.from_lists(*(list(column) for column in zip(*rows, strict=True)))
    kept = batch.last_of_each()
    expected = {(series_id, ts): value for series_id, ts, value in rows}
    assert {
        (int(s), int(t)): float(v) for s, t, v in zip(kept.series_ids, kept.ts_us, kept.values, strict=True)
    } == expected
    assert len(kept) == len(expected)
