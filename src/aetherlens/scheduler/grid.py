"""Fixed grids in time: whole intervals since the epoch, shifted by a phase.

Polls on a grid give samples at regular times, which compress to almost nothing; phases keep plugins from all waking at
once.
"""

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable

import msgspec

from aetherlens.lib.clock import SECOND_US, now_us

#: Longest sleep in one piece; a clock that was set meanwhile is noticed at its end.
MAX_SLEEP_S = 60.0


class Tick(msgspec.Struct, frozen=True):
    """One point of a grid."""

    #: Microseconds since 1970 UTC.
    at_us: int
    #: Points passed over since the last one, because the work before took longer than the interval.
    missed: int


class Grid(msgspec.Struct, frozen=True):
    """Points at phase + n · interval, in microseconds."""

    interval_us: int
    phase_us: int

    @classmethod
    def for_job(cls, name: str, interval_s: float) -> "Grid":
        """Return the grid of a job; its phase is a whole number of seconds that follows from its name."""
        interval_us = round(interval_s * SECOND_US)
        whole_seconds = max(interval_us // SECOND_US, 1)
        return cls(interval_us, zlib.crc32(name.encode()) % whole_seconds * SECOND_US)

    def last(self, time_us: int) -> int:
        """Return the newest point that is not after `time_us`."""
        return (time_us - self.phase_us) // self.interval_us * self.interval_us + self.phase_us

    async def ticks(self, clock_us: Callable[[], int] = now_us) -> AsyncIterator[Tick]:
        """Yield the newest point at once, then every point as it comes; late ones are passed over and counted.

        When the clock is set back, the grid goes on from the new time.
        """
        last_us = self.last(clock_us())
        yield Tick(last_us, 0)
        while True:
            point_us = self.last(clock_us())
            if point_us == last_us:
                remaining_us = point_us + self.interval_us - clock_us()
                await asyncio.sleep(min(max(remaining_us, 0) / SECOND_US, MAX_SLEEP_S))
                continue
            missed = max((point_us - last_us) // self.interval_us - 1, 0)
            last_us = point_us
            yield Tick(point_us, missed)
