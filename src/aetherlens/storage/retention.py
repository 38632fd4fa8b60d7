"""How long what is stored is kept: whole days are dropped, never single rows."""

from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

import msgspec

from aetherlens.lib.logs import get_logger

log = get_logger(__name__)


class Days(Protocol):
    """A table that is divided by UTC days."""

    async def days(self) -> set[date]:
        """Return the days that hold something."""

    async def drop(self, day: date) -> bool:
        """Drop a day with all that it holds; False where it must wait for a later run."""


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """A table and how long its rows are kept."""

    name: str
    table: Days
    keep_days: int


def expired(days: Collection[date], today: date, keep_days: int) -> list[date]:
    """Return the days to drop, oldest first: older than `keep_days`, and so many newer days hold something too.

    The second condition guards against a clock that jumps ahead: a day goes only for a day
    that was lived through. Days after `today` count for nothing and are kept.
    """
    past = sorted(day for day in days if day <= today)
    oldest_kept = today - timedelta(days=keep_days)
    return [day for day in past[: max(len(past) - keep_days, 0)] if day < oldest_kept]


class Retention:
    """Drops what is older than the owner keeps it."""

    def __init__(self, levels: Sequence[Level]) -> None:
        self._levels = levels

    async def run(self) -> None:
        """Drop what has expired by now. Raises DatabaseUnavailableError; what was dropped until then stays dropped."""
        today = datetime.now(UTC).date()
        for level in self._levels:
            days = expired(await level.table.days(), today, level.keep_days)
            dropped = [day for day in days if await level.table.drop(day)]
            if dropped:
                log.info(
                    "days_dropped", level=level.name, count=len(dropped), first=str(dropped[0]), last=str(dropped[-1])
                )
