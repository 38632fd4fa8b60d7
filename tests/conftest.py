"""A real PostgreSQL for the tests that need one; each test gets a fresh clone of a migrated database.

There are two worlds: the embedded server, and a TimescaleDB. Tests run in the first one; those below
tests/integration/storage run in both.
"""

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
from timescale import TimescaleMissingError, running_timescale

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
            runner.run(_make_template(embedded(home)))
            yield home
        finally:
            runner.run(server.stop())


@pytest.fixture(scope="session")
def timescale(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """A TimescaleDB with a migrated template database; skips where there can be none."""
    data = tmp_path_factory.mktemp("timescale")
    target: Target = {"host": str(data), "user": "postgres", "database": "postgres"}
    try:
        with running_timescale(data):
            asyncio.run(_make_template(target))
            yield target
    except TimescaleMissingError as error:
        pytest.skip(f"no TimescaleDB: {error}")


@pytest.fixture(scope="session")
def world(request: pytest.FixtureRequest) -> Target:
    """The server that the test runs on: ``embedded``, or ``timescale`` where the test asks for it."""
    if getattr(request, "param", "embedded") == "timescale":
        target: Target = request.getfixturevalue("timescale")
        return target
    return embedded(request.getfixturevalue("postgres"))


async def _make_template(server: Target) -> None:
    await _administer(server, f"CREATE DATABASE {TEMPLATE}")
    database = await connect({**server, "database": TEMPLATE}, 2)
    await migrate(database)
    await database.close()


async def _administer(server: Target, statement: str) -> None:
    arguments: dict[str, Any] = {**server, "database": "postgres"}
    connection = await asyncpg.connect(**arguments, timeout=30)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture
async def empty_database_target(world: Target) -> AsyncIterator[Target]:
    """Connection arguments of a database without any table."""
    name = f"empty_{next(_numbers)}"
    await _administer(world, f"CREATE DATABASE {name}")
    yield {**world, "database": name}
    await _administer(world, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def database_target(world: Target) -> AsyncIterator[Target]:
    """Connection arguments of a fresh migrated database."""
    name = f"test_{next(_numbers)}"
    await _administer(world, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    yield {**world, "database": name}
    await _administer(world, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def database(database_target: Target) -> AsyncIterator[Database]:
    """A pool of connections to a fresh migrated database."""
    database = await connect(database_target, 4)
    yield database
    await database.close()
