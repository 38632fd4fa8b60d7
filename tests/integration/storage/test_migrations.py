"""The schema is brought up once, whoever asks, and never silently wrong."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime

import asyncpg
import pytest

from aetherlens.lib.clock import to_us
from aetherlens.lib.metrics import Metrics
from aetherlens.storage.errors import MigrationError
from aetherlens.storage.history import History
from aetherlens.storage.migrations import migrate, schema_version
from aetherlens.storage.partitions import Partitions
from aetherlens.storage.pool import Database, Target, connect
from aetherlens.storage.samples import SampleBatch, SampleStore
from aetherlens.storage.segments import SegmentStore
from aetherlens.storage.series import SeriesRegistry
from aetherlens.storage.statements import migrations
from product import ROOT


async def test_several_cores_at_once_apply_each_migration_once(empty_database_target: Target) -> None:
    databases = [await connect(empty_database_target, 2) for _ in range(4)]
    versions = await asyncio.gather(*(migrate(database) for database in databases))
    rows = await databases[0].fetch("SELECT version FROM schema_migrations ORDER BY version")
    for database in databases:
        await database.close()
    assert len(set(versions)) == 1
    assert [row["version"] for row in rows] == [int(path.name[:4]) for path in migrations()]


async def test_a_newer_database_is_refused(database_target: Target) -> None:
    database = await connect(database_target, 2)
    await database.execute("INSERT INTO schema_migrations (version, name, checksum) VALUES (9999, 'future', 'x')")
    with pytest.raises(MigrationError, match="schema version 9999"):
        await migrate(database)
    await database.close()


async def test_a_changed_migration_is_noticed(database_target: Target) -> None:
    database = await connect(database_target, 2)
    await database.execute("UPDATE schema_migrations SET checksum = 'x' WHERE version = 1")
    with pytest.raises(MigrationError, match="0001_initial"):
        await migrate(database)
    await database.close()


#: Everything a table or view of ours is made of, except its division into days, in an order of its own.
SCHEMA = """
WITH ours AS (
    SELECT oid, relname, relkind FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v') AND NOT relispartition
)
SELECT relname, 'column', concat_ws(' ', attname, format_type(atttypid, atttypmod), attnotnull, attidentity,
    attstorage, attcompression, pg_get_expr(adbin, adrelid))
FROM ours JOIN pg_attribute ON attrelid = ours.oid LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
WHERE attnum > 0 AND NOT attisdropped
UNION ALL
SELECT relname, 'index', replace(pg_get_indexdef(indexrelid), ' ONLY ', ' ') FROM ours JOIN pg_index ON indrelid = oid
UNION ALL
SELECT relname, 'constraint', pg_get_constraintdef(pg_constraint.oid)
FROM ours JOIN pg_constraint ON conrelid = ours.oid
UNION ALL
SELECT relname, 'view', pg_get_viewdef(oid) FROM ours WHERE relkind = 'v'
UNION ALL
SELECT proname, 'function', pg_get_functiondef(pg_proc.oid) FROM pg_proc
WHERE pronamespace = 'public'::regnamespace AND prokind <> 'a' AND NOT EXISTS (
    SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e'
)
ORDER BY 1, 2, 3
"""


@pytest.fixture
async def released(empty_database_target: Target) -> AsyncIterator[Database]:
    """A database as schema version 1 left it, with a few rows."""
    connection = await asyncpg.connect(**empty_database_target, timeout=10)
    await connection.execute((ROOT / "tests" / "data" / "schema" / "0001.sql").read_text())
    await connection.close()
    database = await connect(empty_database_target, 2)
    yield database
    await database.close()


async def test_the_migrated_schema_is_the_fresh_one(released: Database, database: Database) -> None:
    known = len(migrations())
    assert await schema_version(released) == (1, known)
    await migrate(released)
    assert await schema_version(released) == (known, known)
    fresh, migrated = await database.fetch(SCHEMA), await released.fetch(SCHEMA)
    assert [tuple(row) for row in migrated] == [tuple(row) for row in fresh]
    assert {"samples", "series", "devices", "metrics"} <= {row["relname"] for row in fresh}


async def test_an_old_database_keeps_its_data_and_goes_on(released: Database) -> None:
    """Its partitions are native, and stay so where TimescaleDB is at hand."""
    await migrate(released)
    registry, partitions = SeriesRegistry(released), Partitions(released)
    await registry.load()
    power = registry.find("meter", "power")
    assert power is not None
    assert await partitions.days() == {date(2026, 6, 20), date(2026, 6, 21)}
    assert partitions.kind == "native"
    later = datetime(2026, 6, 22, tzinfo=UTC)
    await SampleStore(released, partitions).write(SampleBatch.from_lists([power.series_id], [to_us(later)], [7.0]))
    history = History(released, SegmentStore(released, Metrics("test")))
    pages = history.raw(power.series_id, datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
    assert [(point.timestamp, point.value) async for page in pages for point in page] == [
        (datetime(2026, 6, 20, 22, tzinfo=UTC), 230.5),
        (datetime(2026, 6, 20, 23, tzinfo=UTC), -0.1),
        (datetime(2026, 6, 21, 1, tzinfo=UTC), 1e-7),
        (later, 7.0),
    ]
    names = await released.fetch("SELECT DISTINCT metadata ->> 'name' AS name FROM metrics WHERE device_id = 'meter'")
    assert [row["name"] for row in names] == ["Main meter"]


async def test_an_empty_database_has_no_version(empty_database_target: Target) -> None:
    database = await connect(empty_database_target, 2)
    assert await schema_version(database) == (0, len(migrations()))
    await database.close()
