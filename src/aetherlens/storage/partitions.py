"""Where rows of a day lie. The only file that knows how the samples table is divided.

One part per UTC day: the chunks of a TimescaleDB hypertable where the database has that extension when the table is
made, declarative range partitions elsewhere. A table stays as it was made; moving to the other kind takes a new
database.
"""

import asyncio
import contextlib
import io
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Literal

import asyncpg

from aetherlens.lib.logs import get_logger
from aetherlens.storage.errors import DatabaseUnavailableError
from aetherlens.storage.pool import Database
from aetherlens.storage.statements import statement

log = get_logger(__name__)

Kind = Literal["native", "hypertable"]


async def make_samples(connection: Any) -> None:
    """Make the samples table where there is none. Runs in a transaction that holds the schema's lock."""
    if await connection.fetchval(statement("partitions_kind")) is None:
        kind: Kind = "hypertable" if await _bring_timescale(connection) else "native"
        await connection.execute(statement(f"samples_{kind}"))
        log.info("samples_table_made", partitions=kind)


async def timescale_loaded(connection: Any) -> bool:
    """Whether TimescaleDB is in this database or could be."""
    state = await connection.fetchrow(statement("timescale_state"))
    return state is not None and state["loaded"]


async def _bring_timescale(connection: Any) -> bool:
    """Create the extension where the server offers it; return whether the database has it."""
    if not await timescale_loaded(connection):
        return False
    try:
        async with connection.transaction():
            await connection.execute(statement("timescale_create"))
    except asyncpg.InsufficientPrivilegeError as error:
        log.warning("timescale_not_permitted", reason=str(error), hint="CREATE EXTENSION timescaledb as superuser")
        return False
    return True


class Partitions:
    """Knows which days have a part of their own, makes the missing ones and drops old ones."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kind: Kind | None = None
        self._days: set[date] = set()
        self._changing = asyncio.Lock()

    @property
    def kind(self) -> Kind | None:
        """How the table is divided; None before `load`."""
        return self._kind

    async def load(self) -> None:
        """Read how the table is divided and into which days."""
        kind: Kind = (await self._database.fetchrow(statement("partitions_kind")))["kind"]
        rows = await self._database.fetch(statement(f"{kind}_days"))
        self._kind, self._days = kind, {row["day"] for row in rows}

    async def days(self) -> set[date]:
        """Return the UTC days that have a part, as the database knows them now."""
        await self.load()
        return set(self._days)

    async def ensure(self, days: Iterable[date]) -> None:
        """Make the partitions of these UTC days where they are missing; a hypertable makes its chunks by itself."""
        if self._kind is None:
            await self.load()
        missing = set(days) - self._days
        if not missing or self._kind == "hypertable":
            return
        async with self._changing, self._database.acquire() as connection:
            for day in sorted(missing - self._days):
                async with connection.transaction():
                    await connection.execute(statement("migrations_lock"))
                    await connection.execute(await connection.fetchval(statement("native_create"), day))
                self._days.add(day)

    async def drop(self, day: date) -> bool:
        """Drop all samples of a UTC day at once; always True.

        Raises DatabaseUnavailableError when others do not let go of them.
        """
        self._days.discard(day)
        try:
            async with self._changing, self._database.acquire() as connection, connection.transaction():
                await connection.execute(statement("migrations_lock"))
                await connection.execute(statement("lock_timeout"))
                if self._kind == "hypertable":
                    await connection.fetch(statement("hypertable_drop"), day)
                else:
                    await connection.execute(await connection.fetchval(statement("native_drop"), day))
        except asyncpg.LockNotAvailableError as error:
            raise DatabaseUnavailableError(f"the samples of {day} are in use all the time: {error}") from error
        return True

    def forget(self, days: Iterable[date]) -> None:
        """Let `ensure` look at these days anew: a compaction has dropped their partitions meanwhile."""
        self._days.difference_update(days)

    async def claim(self, connection: Any, day: date) -> bool:
        """Make the day's writers, but not its readers, wait until the transaction ends. False where it has no rows."""
        text = await connection.fetchval(statement("partition_claim"), day)
        if text is None:
            return False
        await connection.execute(text)
        return True

    async def counts(self, connection: Any, day: date) -> Mapping[int, int]:
        """Return the number of the day's samples per series, by series."""
        rows = await connection.fetch(await connection.fetchval(statement("partition_counts"), day))
        return {row["series_id"]: row["count"] for row in rows}

    async def rows(self, connection: Any, day: date, first_series: int, last_series: int) -> bytes:
        """Return the day's samples of these series, both included, in no order, as a binary COPY."""
        out = io.BytesIO()
        query = await connection.fetchval(statement("partition_rows"), day, first_series, last_series)
        await connection.copy_from_query(query, output=out, format="binary")
        return out.getvalue()

    async def empty(self, connection: Any, day: date) -> None:
        """Take away all rows of a claimed day when the transaction commits."""
        await connection.execute(await connection.fetchval(statement("partition_empty"), day))

    async def drop_if_empty(self, day: date) -> bool:
        """Drop a day's partition unless a sample has come meanwhile, or somebody reads for longer than a moment."""
        with contextlib.suppress(asyncpg.LockNotAvailableError):
            async with self._changing, self._database.acquire() as connection, connection.transaction():
                await connection.execute(statement("migrations_lock"))
                await connection.execute(statement("lock_timeout"))
                await connection.execute(statement("partitions_lock"))
                if await connection.fetchval(await connection.fetchval(statement("partition_is_empty"), day)):
                    await connection.execute(await connection.fetchval(statement("native_drop"), day))
                    self._days.discard(day)
                    return True
        return False
