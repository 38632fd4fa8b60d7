"""The newest sample of every series."""

from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

from aetherlens.lib.clock import SECOND_US
from aetherlens.storage.samples import SampleBatch
from aetherlens.storage.series import Series, SeriesRegistry

#: A device is active while its newest sample is younger.
ACTIVE_US = 300 * SECOND_US


class Current(msgspec.Struct, frozen=True):
    """The newest sample of a series."""

    series: Series
    #: Microseconds since 1970 UTC.
    ts_us: int
    value: float


class LiveState:
    """Current values, kept in memory; fed by the collector."""

    def __init__(self, registry: SeriesRegistry) -> None:
        self._registry = registry
        self._newest: dict[int, tuple[int, float]] = {}

    def update(self, batch: SampleBatch) -> list[Current]:
        """Take a batch and return the series whose current value it changed, each once, with the newest value."""
        newest = batch.newest_of_each()
        changed: list[Current] = []
        triples = zip(newest.series_ids.tolist(), newest.ts_us.tolist(), newest.values.tolist(), strict=True)
        for series_id, ts_us, value in triples:
            known = self._newest.get(series_id)
            if known is None or ts_us >= known[0]:
                self._newest[series_id] = (ts_us, value)
                changed.append(Current(self._registry.by_id(series_id), ts_us, value))
        return changed

    def rename(self, ids: Mapping[int, int]) -> None:
        """Take note that series go by other ids now: temporary id → id."""
        for temporary, series_id in ids.items():
            newest = self._newest.pop(temporary, None)
            if newest is not None and newest >= self._newest.get(series_id, newest):
                self._newest[series_id] = newest

    def all(self) -> list[Current]:
        """Return every series' newest sample."""
        return [
            Current(self._registry.by_id(series_id), ts_us, value) for series_id, (ts_us, value) in self._newest.items()
        ]

    def last_seen_us(self, series_ids: Iterable[int]) -> int | None:
        """Return the time of the newest sample of any of these series."""
        return max((self._newest[series_id][0] for series_id in series_ids if series_id in self._newest), default=None)

    def active_devices(self, now_us: int) -> dict[str, int]:
        """Return the number of devices with a recent sample, by device type."""
        recent = {
            current.series.device_id: current.series.device_type
            for current in self.all()
            if current.ts_us >= now_us - ACTIVE_US
        }
        return dict(Counter(recent.values()))
