"""Where rows of a day lie. The only file that knows how the samples table is divided.

Native declarative partitions, one per UTC day, made when a day's first sample arrives.
"""

import asyncio
from collections.abc import Iterable
from datetime import date

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
