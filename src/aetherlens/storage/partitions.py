"""Where rows of a day lie. The only file that knows how the samples table is divided.

Native declarative partitions, one per UTC day, made when a day's first sample arrives.
"""

import asyncio
import contextlib
import io
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import asyncpg

from aetherlens.storage.pool import Database
from aetherlens.storage.statements import statement


class Partitions:
    """Knows which days have a partition and makes the missing ones."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._days: set[date] = set()
        self._making = asyncio.Lock()

    async def load(self) -> None:
        """Read which partitions there are."""
        rows = await self._database.fetch(statement("partitions_list"))
        self._days = {date.fromisoformat(row["relname"].removeprefix("samples_")) for row in rows}

    async def ensure(self, days: Iterable[date]) -> None:
        """Make the partitions of these UTC days where they are missing."""
        missing = set(days) - self._days
        if not missing:
            return
        async with self._making, self._database.acquire() as connection:
            for day in sorted(missing - self._days):
                async with connection.transaction():
                    await connection.execute(statement("migrations_lock"))
                    await connection.execute(await connection.fetchval(statement("partition_create"), day))
                self._days.add(day)

    def forget(self, days: Iterable[date]) -> None:
        """Let `ensure` look at these days anew: a compaction has dropped their partitions meanwhile."""
        self._days.difference_update(days)

    async def days(self) -> list[date]:
        """Return the UTC days that have a partition now, oldest first."""
        await self.load()
        return sorted(self._days)

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
            async with self._making, self._database.acquire() as connection, connection.transaction():
                await connection.execute(statement("migrations_lock"))
                await connection.execute(statement("lock_patience"))
                await connection.execute(statement("partitions_lock"))
                if await connection.fetchval(await connection.fetchval(statement("partition_is_empty"), day)):
                    await connection.execute(await connection.fetchval(statement("partition_drop"), day))
                    self._days.discard(day)
                    return True
        return False
