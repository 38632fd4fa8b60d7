"""Time as the core carries it: whole microseconds since 1970-01-01T00:00:00Z, the resolution PostgreSQL stores."""

import time
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US

#: PostgreSQL counts microseconds from 2000-01-01 in its binary formats.
POSTGRES_EPOCH_US = 946_684_800 * SECOND_US


def now_us() -> int:
    """Return the wall clock's time."""
    return time.time_ns() // 1000


def to_us(moment: datetime) -> int:
    """Return an aware datetime in microseconds, exactly."""
    return (moment - EPOCH) // _MICROSECOND


def from_us(us: int) -> datetime:
    """Return the UTC datetime of `us`; raises OverflowError past the year 9999."""
    return EPOCH + timedelta(microseconds=us)
