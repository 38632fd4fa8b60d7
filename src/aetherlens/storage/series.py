"""Which small integer stands for which metric of which device."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from aetherlens.storage.pool import Database
from aetherlens.storage.statements import statement

#: Series of one home at most; a plugin that invents names without end stops here.
MAX_SERIES = 50_000

Key = tuple[str, str]


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """One quantity of one device."""

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
    """All series, in memory; new ones are written to the database once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._by_key: dict[Key, Series] = {}
        self._by_id: dict[int, Series] = {}
        self._writing = asyncio.Lock()

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
        return len(self._by_id)

    @property
    def full(self) -> bool:
        """Whether no further series is accepted."""
        return self.room == 0

    @property
    def room(self) -> int:
        """How many further series are accepted."""
        return max(MAX_SERIES - len(self._by_id), 0)

    async def register(self, plugin_id: str, wanted: Iterable[NewSeries]) -> None:
        """Write new series, and their devices where these are new; afterwards `find` knows them."""
        rows = {(new.device_id, new.metric_type): new for new in wanted}
        async with self._writing:
            missing = [new for key, new in rows.items() if key not in self._by_key]
            if not missing:
                return
            devices = [new.device_id for new in missing]
            types = [new.metric_type for new in missing]
            units = [new.unit for new in missing]
            tags = [msgspec.json.encode(new.tags).decode() for new in missing]
            async with self._database.acquire() as connection:
                await connection.execute(statement("series_register"), devices, types, units, tags, plugin_id)
                self._keep(await connection.fetch(statement("series_find"), devices, types))

    async def set_tags(self, series: Series, tags: Mapping[str, str]) -> None:
        """Change the labels of a series."""
        text = msgspec.json.encode(tags).decode()
        await self._database.execute(statement("series_tags"), series.series_id, text)
        self._remember(msgspec.structs.replace(series, tags=dict(tags)))

    def _keep(self, rows: Iterable[Any]) -> None:
        for row in rows:
            fields = dict(row)
            fields["tags"] = msgspec.json.decode(fields["tags"], type=dict[str, str])
            self._remember(Series(**fields))

    def _remember(self, series: Series) -> None:
        self._by_key[series.device_id, series.metric_type] = series
        self._by_id[series.series_id] = series
