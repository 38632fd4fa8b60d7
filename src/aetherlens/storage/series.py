"""Which small integer stands for which metric of which device."""

import asyncio
from collections.abc import Coroutine, Iterable, Mapping
from typing import Any

import msgspec
import numpy as np

from aetherlens.storage.errors import DatabaseUnavailableError
from aetherlens.storage.journal_record import NamedBatch, SeriesName
from aetherlens.storage.pool import Database
from aetherlens.storage.samples import SampleBatch
from aetherlens.storage.statements import statement

#: Series of one home at most; a plugin that invents names without end stops here.
MAX_SERIES = 50_000

#: How long the database may take before it counts as away for a new series or label, in seconds.
PATIENCE_S = 2.0

#: Whom devices belong to whose series the database has lost, as when another one is in its place.
_UNKNOWN_PLUGIN = "api"

Key = tuple[str, str]


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """One quantity of one device."""

    #: Below zero as long as the database does not know it.
    series_id: int
    device_id: str
    metric_type: str
    #: The unit all its samples are stored in.
    unit: str
    tags: dict[str, str]
    #: Kind of the device, for labels.
    device_type: str


class NewSeries(msgspec.Struct, frozen=True, kw_only=True):
    """A series as its first sample describes it."""

    device_id: str
    metric_type: str
    unit: str
    tags: Mapping[str, str]


class SeriesRegistry:
    """All series, in memory; new ones are written to the database once.

    While the database is away, new series live under temporary ids below zero, and new labels in memory only; `settle`
    ends that.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._by_key: dict[Key, Series] = {}
        self._by_id: dict[int, Series] = {}
        self._writing = asyncio.Lock()
        #: Series with temporary ids, and the plugin that brought them.
        self._promised: dict[Key, tuple[Series, str]] = {}
        self._last_temporary_id = 0
        #: Series whose labels the database does not have.
        self._relabelled: dict[int, Series] = {}
        self._late: set[asyncio.Task[None]] = set()

    async def load(self) -> None:
        """Read all series, also to learn what other processes have added or changed."""
        self._keep(await self._database.fetch(statement("series_all")))

    def find(self, device_id: str, metric_type: str) -> Series | None:
        """Return a known series."""
        return self._by_key.get((device_id, metric_type))

    def by_id(self, series_id: int) -> Series:
        """Return the series of an id this registry gave out."""
        return self._by_id[series_id]

    def knows(self, series_id: int) -> bool:
        """Whether `by_id` will find it."""
        return series_id in self._by_id

    def __len__(self) -> int:
        return len(self._by_key)

    @property
    def full(self) -> bool:
        """Whether no further series is accepted."""
        return self.room == 0

    @property
    def room(self) -> int:
        """How many further series are accepted."""
        return max(MAX_SERIES - len(self._by_key), 0)

    async def register(self, plugin_id: str, wanted: Iterable[NewSeries]) -> None:
        """Write new series, and their devices where these are new; afterwards `find` knows them."""
        rows = {(new.device_id, new.metric_type): new for new in wanted}
        async with self._writing:
            missing = [new for key, new in rows.items() if not self._registered(key)]
            if not missing:
                return
            devices = [new.device_id for new in missing]
            types = [new.metric_type for new in missing]
            units = [new.unit for new in missing]
            tags = [msgspec.json.encode(new.tags).decode() for new in missing]
            async with self._database.acquire() as connection:
                await connection.execute(statement("series_register"), devices, types, units, tags, plugin_id)
                self._keep(await connection.fetch(statement("series_find"), devices, types))

    async def register_or_promise(self, plugin_id: str, wanted: Iterable[NewSeries]) -> None:
        """Do as `register` does; where the database is away, the series get temporary ids."""
        wanted = list(wanted)
        if await self._in_time(self.register(plugin_id, wanted)):
            return
        for new in wanted:
            key = new.device_id, new.metric_type
            if key in self._by_key:
                continue
            self._last_temporary_id -= 1
            series = Series(
                series_id=self._last_temporary_id, device_id=new.device_id, metric_type=new.metric_type, unit=new.unit,
                tags=dict(new.tags), device_type="unknown",
            )  # fmt: skip
            self._promised[key] = series, plugin_id
            self._remember(series)

    async def set_tags(self, series: Series, tags: Mapping[str, str]) -> None:
        """Change the labels of a series; in the database later, where it is away."""
        key = series.device_id, series.metric_type
        series = msgspec.structs.replace(self._by_key[key], tags=dict(tags))
        self._remember(series)
        if key in self._promised:
            self._promised[key] = series, self._promised[key][1]
        elif not await self._in_time(self._write_tags(series)):
            self._relabelled[series.series_id] = series

    async def settle(self) -> dict[int, int]:
        """Register what was promised and write the labels that wait; return temporary id → id.

        Raises DatabaseUnavailableError. A series that somebody else registered in another unit keeps its temporary id.
        """
        promised = dict(self._promised)
        for plugin_id in {plugin_id for _, plugin_id in promised.values()}:
            mine = [series for series, owner in promised.values() if owner == plugin_id]
            await self.register(plugin_id, [_as_new(series) for series in mine])
        ids: dict[int, int] = {}
        for key, (temporary, _) in promised.items():
            final = self._by_key[key]
            del self._promised[key]
            if final.unit == temporary.unit:
                self._by_id[temporary.series_id] = final
                ids[temporary.series_id] = final.series_id
        for series in list(self._relabelled.values()):
            await self._write_tags(series)
            self._relabelled.pop(series.series_id, None)
        return ids

    @property
    def unsettled(self) -> bool:
        """Whether `settle` has something to do."""
        return bool(self._promised or self._relabelled)

    def resolved(self, batch: SampleBatch) -> SampleBatch:
        """Return the batch with the ids of the database in place of the temporary ones it knows by now."""
        if not len(batch) or batch.series_ids.min() >= 0:
            return batch
        ids, places = np.unique(batch.series_ids, return_inverse=True)
        final = np.array([self._by_id[int(one)].series_id for one in ids], dtype=np.int32)
        return SampleBatch(final[places], batch.ts_us, batch.values)

    def named(self, batch: SampleBatch) -> NamedBatch:
        """Return the batch with the names of its series in place of their ids."""
        ids, places = np.unique(batch.series_ids, return_inverse=True)
        return NamedBatch(
            [self._name(self._by_id[int(one)]) for one in ids], places.astype(np.int32), batch.ts_us, batch.values
        )

    async def numbered(self, batch: NamedBatch) -> SampleBatch:
        """Return a batch of names with the ids of the database; series it does not know are registered.

        Samples of a series that has another unit by now are left out. Raises DatabaseUnavailableError.
        """
        for plugin_id in {name.plugin_id for name in batch.series}:
            await self.register(plugin_id, [_as_new(name) for name in batch.series if name.plugin_id == plugin_id])
        found = [self._by_key[name.device_id, name.metric_type] for name in batch.series]
        return batch.numbered(
            [one.series_id if one.unit == name.unit else -1 for one, name in zip(found, batch.series, strict=True)]
        )

    def _name(self, series: Series) -> SeriesName:
        _, plugin_id = self._promised.get((series.device_id, series.metric_type), (series, _UNKNOWN_PLUGIN))
        return SeriesName(
            device_id=series.device_id, metric_type=series.metric_type, unit=series.unit, tags=series.tags,
            plugin_id=plugin_id,
        )  # fmt: skip

    def _registered(self, key: Key) -> bool:
        series = self._by_key.get(key)
        return series is not None and series.series_id >= 0

    async def _write_tags(self, series: Series) -> None:
        text = msgspec.json.encode(series.tags).decode()
        await self._database.execute(statement("series_tags"), series.series_id, text)

    async def _in_time(self, work: Coroutine[Any, Any, None]) -> bool:
        """Whether the database did it within the patience; what hangs goes on by itself, bounded by its statement."""
        task = asyncio.ensure_future(work)
        self._late.add(task)
        task.add_done_callback(self._forget)
        await asyncio.wait([task], timeout=PATIENCE_S)
        if not task.done():
            return False
        try:
            task.result()
        except DatabaseUnavailableError:
            return False
        return True

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._late.discard(task)
        if not task.cancelled():
            task.exception()  # whoever waited has seen it, or has gone on without

    def _keep(self, rows: Iterable[Any]) -> None:
        for row in rows:
            fields = dict(row)
            fields["tags"] = msgspec.json.decode(fields["tags"], type=dict[str, str])
            self._remember(Series(**fields))

    def _remember(self, series: Series) -> None:
        self._by_key[series.device_id, series.metric_type] = series
        self._by_id[series.series_id] = series


def _as_new(series: Series | SeriesName) -> NewSeries:
    return NewSeries(device_id=series.device_id, metric_type=series.metric_type, unit=series.unit, tags=series.tags)
