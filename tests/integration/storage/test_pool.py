"""A wrong address of the database is told in words, without its password."""

import socket
from pathlib import Path

import pytest

from aetherlens.storage.errors import DatabaseUnavailableError
from aetherlens.storage.pool import Database, connect, embedded, external


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("postgresql://u:hunter2@127.0.0.1:{port}/db", "cannot be reached"),
        ("mysql://u:hunter2@127.0.0.1/db", "is not a PostgreSQL address"),
        ("postgresql://u:hunter2@127.0.0.1:http/db", "is not a PostgreSQL address"),
        ("postgresql://u:hunter2@no-such-host.invalid/db", "cannot be reached"),
    ],
)
async def test_a_wrong_address_is_told(url: str, says: str) -> None:
    with pytest.raises(DatabaseUnavailableError, match=says) as caught:
        await connect(external(url.format(port=closed_port())), 2)
    assert "hunter2" not in str(caught.value)


async def test_a_wrong_password_is_told(postgres: Path) -> None:
    with pytest.raises(DatabaseUnavailableError, match="refuses the user or password"):
        await connect({**embedded(postgres), "password": "wrong"}, 2)


async def test_a_missing_database_is_told(postgres: Path) -> None:
    with pytest.raises(DatabaseUnavailableError, match="does not exist"):
        await connect({**embedded(postgres), "database": "nowhere"}, 2)


async def test_a_connection_that_is_cut_while_it_is_used_counts_as_away(database: Database) -> None:
    with pytest.raises(DatabaseUnavailableError, match="has closed the connection"):
        async with database.acquire():
            raise RuntimeError("unable to perform operation on <UnixTransport closed=True>; the handler is closed")
    with pytest.raises(RuntimeError, match="a fault of our own"):
        async with database.acquire():
            raise RuntimeError("a fault of our own")
