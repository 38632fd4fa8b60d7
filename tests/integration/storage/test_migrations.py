"""The schema is brought up once, whoever asks, and never silently wrong."""

import asyncio

import pytest

from aetherlens.storage.errors import MigrationError
from aetherlens.storage.migrations import migrate
from aetherlens.storage.pool import Target, connect
from aetherlens.storage.statements import migrations


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
