"""Devices in memory: known while the database is away, never made up."""

import pytest

from aetherlens.storage import devices as devices_module
from aetherlens.storage.devices import DeviceStore
from aetherlens.storage.errors import DatabaseUnavailableError
from aetherlens.storage.pool import Target, connect
from aetherlens.storage.series import NewSeries, SeriesRegistry

WORLDS = ["embedded"]


async def test_names_stay_known_while_the_database_is_away(
    database_target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = await connect(database_target, 2)
    new = NewSeries(device_id="meter", metric_type="power", unit="W", tags={})
    await SeriesRegistry(database).register("test", [new])
    store, empty = DeviceStore(database), DeviceStore(database)
    await store.update("meter", {"name": "Main meter"})
    assert (await store.known(["meter"]))["meter"].name == "Main meter"
    await database.close()
    monkeypatch.setattr(devices_module, "CACHE_S", 0.0)
    assert (await store.known(["meter"]))["meter"].name == "Main meter"
    with pytest.raises(DatabaseUnavailableError):
        await empty.known(["meter"])
