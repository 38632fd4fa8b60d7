"""Samples in bulk: a batch as columns, and how it gets into the database."""

import contextlib
import io
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

import asyncpg
import numpy as np
import numpy.typing as npt

from aetherlens.lib.clock import DAY_US, POSTGRES_EPOCH_US
from aetherlens.storage.dirty import mark, watermark_us
from aetherlens.storage.errors import DatabaseUnavailableError, RefusedBatchError
from aetherlens.storage.partitions import Partitions
from aetherlens.storage.pool import Database
from aetherlens.storage.statements import statement

#: How often a batch is tried when its days are dropped while it is written: a race that is won at once, or soon.
_PARTITION_TRIES = 5

_COLUMNS = ("series_id", "ts", "value")

#: One row of binary COPY, https://www.postgresql.org/docs/current/sql-copy.html: field count, then length and value of
#: each field, all big-endian.
_ROW = np.dtype(
    [
        ("fields", ">i2"),
        ("series_length", ">i4"),
        ("series_id", ">i4"),
        ("ts_length", ">i4"),
        ("ts", ">i8"),
        ("value_length", ">i4"),
        ("value", ">f8"),
    ]
)
_COPY_HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_COPY_TRAILER = b"\xff\xff"


class SampleBatch:
    """Samples as three columns of equal length. Not changed after it was made."""

    __slots__ = ("series_ids", "ts_us", "values")

    def __init__(
        self, series_ids: npt.NDArray[np.int32], ts_us: npt.NDArray[np.int64], values: npt.NDArray[np.float64]
    ) -> None:
        #: Series of each sample.
        self.series_ids = series_ids
        #: Time of each sample, microseconds since 1970 UTC.
        self.ts_us = ts_us
        #: Value of each sample in its series' unit; finite.
        self.values = values

    def __len__(self) -> int:
        return len(self.series_ids)

    @classmethod
    def from_lists(cls, series_ids: Sequence[int], ts_us: Sequence[int], values: Sequence[float]) -> "SampleBatch":
        """Make a batch of plain numbers."""
        return cls(
            np.array(series_ids, dtype=np.int32), np.array(ts_us, dtype=np.int64), np.array(values, dtype=np.float64)
        )

    @classmethod
    def concatenate(cls, batches: Sequence["SampleBatch"]) -> "SampleBatch":
        """Join batches, in their order."""
        if len(batches) == 1:
            return batches[0]
        return cls(
            np.concatenate([batch.series_ids for batch in batches]),
            np.concatenate([batch.ts_us for batch in batches]),
            np.concatenate([batch.values for batch in batches]),
        )

    def days(self) -> set[date]:
        """Return the UTC days that the samples lie in."""
        return {datetime.fromtimestamp(int(day) * 86_400, UTC).date() for day in np.unique(self.ts_us // DAY_US)}

    def spans(self, days: int) -> Iterator["SampleBatch"]:
        """Yield the batch in parts of which none covers more than so many days."""
        if not len(self):
            return
        span = (self.ts_us - self.ts_us.min()) // (days * DAY_US)
        if not span.any():
            yield self
            return
        for number in np.unique(span):
            here = span == number
            yield SampleBatch(self.series_ids[here], self.ts_us[here], self.values[here])

    def last_of_each(self) -> "SampleBatch":
        """Keep the last sample of those with the same series and time."""
        order = np.lexsort((np.arange(len(self)), self.ts_us, self.series_ids))
        series_ids, ts_us = self.series_ids[order], self.ts_us[order]
        is_last = np.ones(len(self), dtype=bool)
        is_last[:-1] = (series_ids[1:] != series_ids[:-1]) | (ts_us[1:] != ts_us[:-1])
        return SampleBatch(series_ids[is_last], ts_us[is_last], self.values[order][is_last])

    def newest_of_each(self) -> "SampleBatch":
        """Keep the newest sample of each series."""
        order = np.lexsort((self.ts_us, self.series_ids))
        series_ids = self.series_ids[order]
        is_last = np.ones(len(self), dtype=bool)
        is_last[:-1] = series_ids[1:] != series_ids[:-1]
        return SampleBatch(series_ids[is_last], self.ts_us[order][is_last], self.values[order][is_last])

    @classmethod
    def from_binary_copy(cls, data: bytes) -> "SampleBatch":
        """Read what `binary_copy` or the database has written."""
        count = (len(data) - len(_COPY_HEADER) - len(_COPY_TRAILER)) // _ROW.itemsize
        rows = np.frombuffer(data, dtype=_ROW, offset=len(_COPY_HEADER), count=count)
        return cls(
            rows["series_id"].astype(np.int32),
            rows["ts"].astype(np.int64) + POSTGRES_EPOCH_US,
            rows["value"].astype(np.float64),
        )

    def binary_copy(self) -> bytes:
        """Return the batch in PostgreSQL's binary COPY format."""
        rows = np.empty(len(self), dtype=_ROW)
        rows["fields"] = 3
        rows["series_length"] = 4
        rows["series_id"] = self.series_ids
        rows["ts_length"] = 8
        rows["ts"] = self.ts_us - POSTGRES_EPOCH_US
        rows["value_length"] = 8
        rows["value"] = self.values
        return b"".join((_COPY_HEADER, rows.tobytes(), _COPY_TRAILER))


class Written(NamedTuple):
    """What became of a batch."""

    #: Samples that were new or replaced another value.
    changed: int
    #: Whether some series and times were stored already.
    overlapped: bool


class SampleStore:
    """Writes batches of samples."""

    def __init__(self, database: Database, partitions: Partitions) -> None:
        self._database = database
        self._partitions = partitions

    async def write(self, batch: SampleBatch) -> None:
        """Store a batch in one transaction; returns after its commit.

        A sample whose series and time are stored already replaces the stored value, so a batch may be sent again.
        Raises DatabaseUnavailableError when trying again is right, RefusedBatchError when the data are at fault.
        """
        await self.write_counted(batch)

    async def write_counted(self, batch: SampleBatch, *, overlaps: bool = False) -> Written:
        """Do as `write` does, and tell what changed. `overlaps` spares the attempt to add a batch that is all new."""
        try:
            for _ in range(_PARTITION_TRIES):
                try:
                    return await self._write(batch, overlaps=overlaps)
                except asyncpg.CheckViolationError:  # no partition: a compaction has dropped it since it was ensured
                    self._partitions.forget(batch.days())
            raise DatabaseUnavailableError("the days of the samples are dropped as fast as they are made")
        except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError) as error:
            raise RefusedBatchError(str(error)) from error
        except asyncpg.PostgresError as error:
            raise DatabaseUnavailableError(f"the database did not take the samples: {error}") from error

    async def _write(self, batch: SampleBatch, *, overlaps: bool) -> Written:
        await self._partitions.ensure(batch.days())
        async with self._database.acquire() as connection:
            if not overlaps:
                with contextlib.suppress(asyncpg.UniqueViolationError):
                    await _add(connection, batch)
                    return Written(len(batch), overlapped=False)
            batch = batch.last_of_each()
            changed = await _merge(connection, batch)
            return Written(changed, overlapped=overlaps is False or changed < len(batch))


async def _copy(connection: Any, table: str, batch: SampleBatch) -> None:
    await connection.copy_to_table(table, source=io.BytesIO(batch.binary_copy()), columns=_COLUMNS, format="binary")


async def _add(connection: Any, batch: SampleBatch) -> None:
    """Store a batch that is all new. Raises asyncpg.UniqueViolationError where it is not."""
    async with connection.transaction():
        watermark = await watermark_us(connection)
        await _copy(connection, "samples", batch)
        await mark(connection, watermark, batch.series_ids, batch.ts_us)


async def _merge(connection: Any, batch: SampleBatch) -> int:
    """Store a batch of which some samples are stored already, and return how many changed something.

    It holds one sample per series and time.
    """
    await connection.execute(statement("samples_staging"))
    async with connection.transaction():
        watermark = await watermark_us(connection)
        await _copy(connection, "samples_staging", batch)
        status: str = await connection.execute(statement("samples_merge"))
        changed = int(status.rpartition(" ")[2])
        if changed:
            await mark(connection, watermark, batch.series_ids, batch.ts_us)
    return changed
