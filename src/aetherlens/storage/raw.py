"""Raw samples of one series as arrays. Whoever computes from samples reads them here and nowhere else."""

from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from aetherlens.lib.clock import DAY_US, from_us, to_us
from aetherlens.storage.pool import Database
from aetherlens.storage.readings import Readings
from aetherlens.storage.segments import SegmentStore, chain
from aetherlens.storage.statements import statement

#: No sample is older, none is younger.
FIRST_US = to_us(datetime(1970, 1, 1, tzinfo=UTC))
LAST_US = to_us(datetime(9999, 1, 1, tzinfo=UTC))

#: How far a neighbour is looked for at first: near ones touch few days, the last step finds the rest.
_REACHES_US = (DAY_US, 32 * DAY_US, LAST_US)


class Samples(NamedTuple):
    """Samples of one series, by time, each time once."""

    #: Microseconds since 1970 UTC.
    ts_us: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64]


class RawSamples:
    """Reads samples of one series as they were written, in rows and in segments."""

    def __init__(self, database: Database, segments: SegmentStore) -> None:
        self._database = database
        self._segments = segments
        self._readings = Readings(database, segments)

    async def read(self, series_id: int, start_us: int, end_us: int) -> Samples:
        """Return the samples of [start, end); 16 bytes of memory each, and as many again while it is read."""
        pages = self._readings.pages(series_id, from_us(start_us), from_us(end_us))
        return Samples(*chain([columns async for columns in pages]))

    async def before(self, series_id: int, us: int) -> int | None:
        """Return the time of the newest sample before `us`."""
        upper = us
        for reach_us in _REACHES_US:
            lower = max(us - reach_us, FIRST_US)
            if lower < upper and (found := await self._neighbour("raw_before", series_id, lower, upper)) is not None:
                return found
            upper = lower
        return None

    async def after(self, series_id: int, us: int) -> int | None:
        """Return the time of the oldest sample at `us` or later."""
        lower = us
        for reach_us in _REACHES_US:
            upper = min(us + reach_us, LAST_US)
            if lower < upper and (found := await self._neighbour("raw_after", series_id, lower, upper)) is not None:
                return found
            lower = upper
        return None

    async def series_within(self, connection: Any, start_us: int, end_us: int) -> list[int]:
        """Return the series with a sample in [start, end), in order, as a transaction sees them."""
        rows = await connection.fetch(statement("raw_series"), from_us(start_us), from_us(end_us))
        return [row["series_id"] for row in rows]

    async def oldest(self, connection: Any) -> int | None:
        """Return the time of the oldest sample of all series, as a transaction sees it."""
        row = await connection.fetchrow(statement("raw_oldest"))
        return None if row["ts"] is None else to_us(row["ts"])

    async def _neighbour(self, name: str, series_id: int, lower_us: int, upper_us: int) -> int | None:
        lower, upper = from_us(lower_us), from_us(upper_us)
        row = await self._database.fetchrow(statement(name), series_id, lower, upper)
        newest = name == "raw_before"
        compacted = await self._segments.outermost(series_id, lower, upper, newest=newest)
        found = [us for us in (None if row is None else to_us(row["ts"]), compacted) if us is not None]
        return (max if newest else min)(found, default=None)
