"""Days come and go as wholes, in both worlds."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest

from aetherlens.lib.clock import DAY_US, to_us
from aetherlens.storage.errors import DatabaseUnavailableError
from aetherlens.storage.migrations import migrate
from aetherlens.storage.partitions import Partitions
from aetherlens.storage.pool import Database, Target, connect
from aetherlens.storage.retention import Level, Retention
from aetherlens.storage.samples import SampleBatch, SampleStore

MIDNIGHT = datetime(2026, 6, 21, tzinfo=UTC)


@pytest.fixture
def kind(request: pytest.FixtureRequest) -> str:
    """How the test's world divides the table."""
    return "hypertable" if request.node.callspec.params["world"] == "timescale" else "native"


def batch_of(*times: datetime) -> SampleBatch:
    return SampleBatch.from_lists([1] * len(times), [to_us(time) for time in times], [1.0] * len(times))


async def count(database: Database) -> int:
    return int((await database.fetchrow("SELECT count(*) FROM samples"))[0])


async def test_each_world_divides_the_table_in_its_own_way(database: Database, kind: str) -> None:
    partitions = Partitions(database)
    assert await partitions.days() == set()
    assert partitions.kind == kind


async def test_a_day_goes_from_midnight_to_midnight_utc(database: Database) -> None:
    partitions = Partitions(database)
    microsecond = timedelta(microseconds=1)
    await SampleStore(database, partitions).write(
        batch_of(MIDNIGHT - microsecond, MIDNIGHT, MIDNIGHT + timedelta(days=1) - microsecond)
    )
    assert await partitions.days() == {date(2026, 6, 20), date(2026, 6, 21)}
    await partitions.drop(date(2026, 6, 21))
    rows = await database.fetch("SELECT ts FROM samples")
    assert [row["ts"] for row in rows] == [MIDNIGHT - microsecond]


async def test_a_dropped_day_can_be_written_again(database: Database) -> None:
    partitions = Partitions(database)
    store = SampleStore(database, partitions)
    for _ in range(2):
        await store.write(batch_of(MIDNIGHT))
        await partitions.drop(MIDNIGHT.date())
    await store.write(batch_of(MIDNIGHT))
    assert await count(database) == 1


async def test_dropping_what_is_not_there_is_nothing(database: Database) -> None:
    partitions = Partitions(database)
    await partitions.load()
    await partitions.drop(date(1999, 1, 1))


async def test_a_day_that_another_process_dropped_is_made_again(database: Database) -> None:
    store, elsewhere = SampleStore(database, Partitions(database)), Partitions(database)
    await store.write(batch_of(MIDNIGHT))
    await elsewhere.load()
    await elsewhere.drop(MIDNIGHT.date())
    await store.write(batch_of(MIDNIGHT))
    assert await count(database) == 1


async def test_several_writers_make_the_same_days_at_once(database: Database) -> None:
    stores = [SampleStore(database, Partitions(database)) for _ in range(4)]
    days = [MIDNIGHT + timedelta(days=number) for number in range(5)]
    async with asyncio.timeout(30):
        await asyncio.gather(
            *(
                store.write(SampleBatch.from_lists([number] * 5, [to_us(day) for day in days], [0.0] * 5))
                for number, store in enumerate(stores)
            )
        )
    assert await count(database) == 20


async def test_retention_drops_whole_days_and_leaves_the_rest(database: Database) -> None:
    partitions = Partitions(database)
    today = to_us(datetime.now(UTC)) // DAY_US * DAY_US
    times = [today - number * DAY_US for number in range(-1, 12)]
    await SampleStore(database, partitions).write(SampleBatch.from_lists([1] * 13, times, [0.0] * 13))
    await Retention([Level(name="raw", table=partitions, keep_days=5)]).run()
    first = (await database.fetchrow("SELECT min(ts) FROM samples"))[0]
    assert to_us(first) == today - 5 * DAY_US
    assert await count(database) == 7


async def test_a_day_that_is_in_use_is_left_for_the_next_run(database: Database, database_target: Target) -> None:
    partitions = Partitions(database)
    await SampleStore(database, partitions).write(batch_of(MIDNIGHT))
    reader = await asyncpg.connect(**database_target, timeout=10)
    try:
        async with reader.transaction(), asyncio.timeout(30):
            await reader.fetch("SELECT * FROM samples")
            with pytest.raises(DatabaseUnavailableError, match="2026-06-21 are in use"):
                await partitions.drop(MIDNIGHT.date())
    finally:
        await reader.close()
    assert await count(database) == 1


@pytest.mark.parametrize("role", ["owner", "guest"])
async def test_whoever_owns_the_database_gets_the_best_it_can_do(
    empty_database_target: Target, kind: str, role: str
) -> None:
    """TimescaleDB is a trusted extension: the database's owner may create it. Others keep native partitions."""
    name = f"{role}_{empty_database_target['database']}"
    server = await asyncpg.connect(**empty_database_target, timeout=10)
    try:
        await server.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'x'")
        await server.execute(f"GRANT ALL ON SCHEMA public TO {name}")
        if role == "owner":
            await server.execute(f"ALTER DATABASE {empty_database_target['database']} OWNER TO {name}")
        database = await connect({**empty_database_target, "user": name, "password": "x"}, 2)
        await migrate(database)
        partitions = Partitions(database)
        await SampleStore(database, partitions).write(batch_of(MIDNIGHT))
        assert partitions.kind == (kind if role == "owner" else "native")
        await database.close()
        await server.execute(f"REASSIGN OWNED BY {name} TO CURRENT_USER; DROP OWNED BY {name}; DROP ROLE {name}")
    finally:
        await server.close()
