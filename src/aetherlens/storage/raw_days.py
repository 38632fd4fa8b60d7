"""The days of raw samples, in rows and in segments, as retention sees them."""

from datetime import date

from aetherlens.storage.partitions import Partitions
from aetherlens.storage.pool import Database
from aetherlens.storage.segments import SegmentStore
from aetherlens.storage.statements import statement


class RawDays:
    """Knows the days that hold raw samples, and drops them once the aggregates have all they need of them."""

    def __init__(self, database: Database, partitions: Partitions, segments: SegmentStore) -> None:
        self._database = database
        self._partitions = partitions
        self._segments = segments

    async def days(self) -> set[date]:
        """Return the UTC days that hold rows or segments."""
        return await self._partitions.days() | await self._segments.days()

    async def drop(self, day: date) -> bool:
        """Drop a day. False where its aggregates are not computed yet: the next run tries again.

        From then on its aggregates are final; `dropped_days` says so.
        """
        if not (await self._database.fetchrow(statement("raw_day_settled"), day))["settled"]:
            return False
        await self._database.execute(statement("dropped_days_record"), day)
        await self._partitions.drop(day)
        await self._segments.drop(day)
        return True
