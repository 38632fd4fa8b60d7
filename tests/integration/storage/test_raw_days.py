"""Raw days go only when the aggregates have them, and these are final from then on."""

from datetime import UTC, date, datetime, timedelta

from aetherlens.lib.clock import to_us
from aetherlens.lib.metrics import Metrics
from aetherlens.storage.partitions import Partitions
from aetherlens.storage.pool import Database
from aetherlens.storage.raw import RawSamples
from aetherlens.storage.raw_days import RawDays
from aetherlens.storage.rollups import Rollups
from aetherlens.storage.samples import SampleBatch, SampleStore
from aetherlens.storage.segments import SegmentStore
from aetherlens.storage.series import NewSeries, SeriesRegistry

DAY = date(2026, 6, 1)
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


async def daily(database: Database) -> list[tuple[datetime, float, int]]:
    rows = await database.fetch("SELECT bucket, avg, count FROM rollup_1d ORDER BY bucket")
    return [tuple(row) for row in rows]


async def test_a_day_is_kept_until_it_is_aggregated_and_its_aggregates_are_final_then(database: Database) -> None:
    segments, partitions, registry = (
        SegmentStore(database, Metrics("test")),
        Partitions(database),
        SeriesRegistry(database),
    )
    await registry.register("test", [NewSeries(device_id="m", metric_type="power", unit="W", tags={})])
    series = registry.find("m", "power")
    assert series is not None
    store, raw_days = SampleStore(database, partitions), RawDays(database, partitions, segments)
    rollups = Rollups(database, RawSamples(database, segments), "Europe/Paris")
    times = [to_us(NOON + timedelta(minutes=minute)) for minute in range(10)]
    await store.write(SampleBatch.from_lists([series.series_id] * 10, times, [100.0] * 10))

    assert not await raw_days.drop(DAY)
    assert await raw_days.days() == {DAY}

    await rollups.run(NOON + timedelta(days=3))
    before = await daily(database)
    assert [(value, count) for _, value, count in before] == [(100.0, 10)]
    assert await raw_days.drop(DAY)
    assert await raw_days.days() == set()

    late = NOON + timedelta(hours=1)
    await store.write(SampleBatch.from_lists([series.series_id], [to_us(late)], [9999.0]))
    await rollups.run(NOON + timedelta(days=4))
    assert await daily(database) == before
    assert not await database.fetch("SELECT FROM rollup_dirty")
    assert await raw_days.drop(DAY)
