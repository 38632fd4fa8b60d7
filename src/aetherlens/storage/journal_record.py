"""A batch of samples as a journal's payload: by the names of its series, so that it means the same to any database."""

import zlib
from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from aetherlens.storage.samples import SampleBatch

#: zlib's fastest: names repeat themselves, and a small record is a quick one.
_COMPRESSION = 1


class SeriesName(msgspec.Struct, frozen=True, kw_only=True):
    """What it takes to find a series, or to register it."""

    device_id: str
    metric_type: str
    #: The unit of its samples.
    unit: str
    tags: dict[str, str]
    #: The plugin a new device belongs to.
    plugin_id: str


class NamedBatch(msgspec.Struct, frozen=True):
    """Samples whose series have names instead of numbers."""

    series: list[SeriesName]
    #: Position in `series` of each sample.
    places: npt.NDArray[np.int32]
    #: Time of each sample, microseconds since 1970 UTC.
    ts_us: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.places)

    def numbered(self, series_ids: Sequence[int]) -> SampleBatch:
        """Return the samples under these ids, one for each of `series`; those of a negative id are left out."""
        batch = SampleBatch(np.array(series_ids, dtype=np.int32)[self.places], self.ts_us, self.values)
        known = batch.series_ids >= 0
        return batch if known.all() else SampleBatch(batch.series_ids[known], batch.ts_us[known], batch.values[known])


class _Stored(msgspec.Struct, array_like=True):
    series: list[SeriesName]
    places: bytes
    ts_us: bytes
    values: bytes


def encode(batch: NamedBatch) -> bytes:
    """Return the payload of a batch."""
    stored = _Stored(
        batch.series,
        batch.places.astype("<i4").tobytes(),
        batch.ts_us.astype("<i8").tobytes(),
        batch.values.astype("<f8").tobytes(),
    )
    return zlib.compress(msgspec.msgpack.encode(stored), _COMPRESSION)


def decode(payload: bytes) -> NamedBatch:
    """Return the batch of a payload that its checksum confirmed."""
    stored = msgspec.msgpack.decode(zlib.decompress(payload), type=_Stored)
    return NamedBatch(
        stored.series,
        np.frombuffer(stored.places, dtype="<i4").astype(np.int32),
        np.frombuffer(stored.ts_us, dtype="<i8").astype(np.int64),
        np.frombuffer(stored.values, dtype="<f8").astype(np.float64),
    )
