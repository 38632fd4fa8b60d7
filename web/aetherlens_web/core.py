"""The core's API as typed calls: one method for each request that a page makes."""

from collections.abc import Mapping
from datetime import datetime
from typing import cast
from urllib.parse import quote

from flask import g

from aetherlens_web.client import CoreClient
from aetherlens_web.models import Current, Device, DevicePage, History, Plugin, PluginList, Reading, System

#: Devices on one page of the list.
DEVICES_PER_PAGE = 100


class Core:
    """The core, seen with one visitor's rights. Every method raises CoreError."""

    def __init__(self, client: CoreClient) -> None:
        self._client = client

    def system(self) -> System:
        """The home's name, time zone and clock."""
        return self._client.get("/api/v1/system", System)

    def devices(self, cursor: str | None = None, limit: int = DEVICES_PER_PAGE) -> DevicePage:
        """One page of the list of devices."""
        query = {"limit": str(limit)} | ({"cursor": cursor} if cursor else {})
        return self._client.get("/api/v1/devices", DevicePage, query)

    def change_device(self, device_id: str, changes: Mapping[str, str | None]) -> Device:
        """Set a device's name, room or role; None clears."""
        return self._client.patch(f"/api/v1/devices/{quote(device_id, safe='')}", Device, changes)

    def power_now(self) -> tuple[Reading, ...]:
        """The newest power of every device, in W."""
        return self._client.get("/api/v1/metrics/current", Current, {"metric_type": "power"}).metrics

    def power_history(self, device_id: str, start: datetime, end: datetime, resolution: str) -> History:
        """A device's mean power per bucket, in W."""
        query = {
            "device_id": device_id,
            "metric_type": "power",
            "start": start.isoformat(),
            "end": end.isoformat(),
            "resolution": resolution,
        }
        return self._client.get("/api/v1/metrics/history", History, query)

    def plugins(self) -> tuple[Plugin, ...]:
        """All plugins and their states."""
        return self._client.get("/api/v1/plugins", PluginList).plugins


def visitors_core() -> Core:
    """The core with the rights of the visitor whose request is being answered."""
    return cast(Core, g.core)
