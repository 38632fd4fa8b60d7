"""A real PostgreSQL for the tests that need one; each test gets a fresh clone of a migrated database."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from aetherlens.storage.embedded import EmbeddedServer
from aetherlens.storage.migrations import migrate
from aetherlens.storage.pool import Database, Target, connect, embedded

_numbers = itertools.count(1)

TEMPLATE = "migrated"


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An embedded server with a migrated template database; yields its state folder."""
    home = tmp_path_factory.mktemp("postgres")
    with asyncio.Runner() as runner:
        server = EmbeddedServer(home)
        runner.run(server.start())
        try:
            runner.run(_make_template(home))
            yield home
        finally:
            runner.run(server.stop())


async def _make_template(home: Path) -> None:
    await _administer(home, f"CREATE DATABASE {TEMPLATE}")
    database = await connect({**embedded(home), "database": TEMPLATE}, 2)
    await migrate(database)
    await database.close()


async def _administer(home: Path, statement: str) -> None:
    arguments: dict[str, Any] = {**embedded(home), "database": "postgres"}
    connection = await asyncpg.connect(**arguments)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture
async def empty_database_target(postgres: Path) -> AsyncIterator[Target]:
    """Connection arguments of a database without any table."""
    name = f"empty_{next(_numbers)}"
    await _administer(postgres, f"CREATE DATABASE {name}")
    yield {**embedded(postgres), "database": name}
    await _administer(postgres, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def database_target(postgres: Path) -> AsyncIterator[Target]:
    """Connection arguments of a fresh migrated database."""
    name = f"test_{next(_numbers)}"
    await _administer(postgres, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    yield {**embedded(postgres), "database": name}
    await _administer(postgres, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def database(database_target: Target) -> AsyncIterator[Database]:
    """A pool of connections to a fresh migrated database."""
    database = await connect(database_target, 4)
    yield database
    await database.close()
