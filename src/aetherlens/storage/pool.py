"""Connections to the database: the embedded server's or DATABASE_URL's."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from aetherlens.lib.logs import get_logger
from aetherlens.storage.embedded import DATABASE, embedded_dsn
from aetherlens.storage.errors import DatabaseUnavailableError
from aetherlens.storage.statements import statement

log = get_logger(__name__)

#: Longest time a statement may take before it is given up, in seconds; a raw read of a year stays far below.
STATEMENT_TIMEOUT_S = 60.0
CONNECT_TIMEOUT_S = 10.0

#: asyncpg's connection arguments.
Target = dict[str, Any]

#: What asyncpg raises when the server is away, going down, coming up, full or busy. Trying again is right.
_AWAY = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.ReadOnlySQLTransactionError,
)


def external(url: str) -> Target:
    """Return the target of a DATABASE_URL."""
    return {"dsn": url}


def embedded(home: Path) -> Target:
    """Return the target of the embedded server of a state folder."""
    return {**embedded_dsn(home), "database": DATABASE}


def describe(target: Target) -> str:
    """Name a target for people, without its password."""
    if "dsn" not in target:
        return "the embedded database"
    parts = urlsplit(target["dsn"])
    return f"the database {parts.path.lstrip('/') or '(default)'} at {parts.hostname or 'the local socket'}"


class Database:
    """A pool of connections. Everything it does raises DatabaseUnavailableError while the database is away."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Any]:
        """Lend a connection; whatever fails in its use because the database is away is told so."""
        with _telling_when_away():
            async with self._pool.acquire(timeout=CONNECT_TIMEOUT_S) as connection:
                yield connection

    async def fetch(self, query: str, *arguments: Any) -> list[Any]:
        """Return all rows of a query."""
        async with self.acquire() as connection:
            rows: list[Any] = await connection.fetch(query, *arguments)
            return rows

    async def fetchrow(self, query: str, *arguments: Any) -> Any:
        """Return a query's first row, None where there is none."""
        async with self.acquire() as connection:
            return await connection.fetchrow(query, *arguments)

    async def execute(self, query: str, *arguments: Any) -> None:
        """Run a statement."""
        async with self.acquire() as connection:
            await connection.execute(query, *arguments)

    async def version(self) -> str:
        """Return the server's version; the cheapest question there is."""
        return str((await self.fetchrow(statement("health")))[0])

    async def close(self) -> None:
        """Close all connections; those in use after ten seconds are cut."""
        try:
            async with asyncio.timeout(10):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()


@contextmanager
def _telling_when_away() -> Iterator[None]:
    try:
        yield
    except _AWAY as error:
        raise DatabaseUnavailableError(f"the database does not answer: {error!r}") from error
    except RuntimeError as error:
        if "handler is closed" not in str(error):  # uvloop's words for writing to a connection that was cut meanwhile
            raise
        raise DatabaseUnavailableError("the database has closed the connection") from error


async def connect(target: Target, size: int) -> Database:
    """Connect. Raises DatabaseUnavailableError that says which part of the address is wrong."""
    try:
        pool = await asyncpg.create_pool(
            **target,
            min_size=1,
            max_size=size,
            timeout=CONNECT_TIMEOUT_S,
            command_timeout=STATEMENT_TIMEOUT_S,
            server_settings={"application_name": "aetherlens", "timezone": "UTC", "jit": "off"},
        )
    except asyncpg.InvalidCatalogNameError as error:
        raise DatabaseUnavailableError(f"{describe(target)} does not exist: create it with createdb") from error
    except (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidPasswordError) as error:
        raise DatabaseUnavailableError(f"{describe(target)} refuses the user or password of DATABASE_URL") from error
    except (ValueError, asyncpg.ClientConfigurationError) as error:
        raise DatabaseUnavailableError(
            f"DATABASE_URL is not a PostgreSQL address such as postgresql://user:password@host:5432/name: {error}"
        ) from error
    except asyncpg.PostgresError as error:
        raise DatabaseUnavailableError(f"{describe(target)} refuses the connection: {error}") from error
    except (OSError, TimeoutError, asyncpg.InterfaceError) as error:
        raise DatabaseUnavailableError(
            f"{describe(target)} cannot be reached ({str(error) or 'no answer in time'}); is it running, and are host "
            "and port of DATABASE_URL right?"
        ) from error
    return Database(pool)
