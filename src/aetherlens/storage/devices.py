"""Devices: what plugins report of them and what their owner decided."""

import math
from collections.abc import Iterable, Sequence
from datetime import datetime
from time import monotonic
from typing import Any

import msgspec

from aetherlens.storage.errors import DatabaseUnavailableError
from aetherlens.storage.pool import Database
from aetherlens.storage.statements import statement

#: Another process, such as an import, may add or change devices: what is in memory is no older than this.
CACHE_S = 30.0


class StoredDevice(msgspec.Struct, frozen=True, kw_only=True):
    """One device, the owner's choices laid over the plugin's report."""

    device_id: str
    name: str
    device_type: str
    role: str | None
    room: str | None
    #: The plugin it belongs to; ``api`` or ``import`` where its samples came that way.
    plugin_id: str
    manufacturer: str | None
    model: str | None
    firmware: str | None
    address: str | None
    controllable: bool
    first_seen: datetime
    series_ids: list[int]


class ReportedDevice(msgspec.Struct, frozen=True, kw_only=True):
    """One device as a plugin describes it."""

    device_id: str
    device_type: str
    name: str
    room: str | None
    role: str | None
    manufacturer: str | None
    model: str | None
    firmware: str | None
    address: str | None
    controllable: bool


class DeviceStore:
    """Reads and changes devices."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, StoredDevice] = {}
        self._known_at = -math.inf

    async def known(self, device_ids: Iterable[str]) -> dict[str, StoredDevice]:
        """Return all devices by id from memory, read anew when one of `device_ids` is missing or time has passed."""
        if monotonic() - self._known_at > CACHE_S or any(name not in self._known for name in device_ids):
            try:
                rows = await self._database.fetch(statement("devices_page"), "", None, None)
            except DatabaseUnavailableError:
                if not self._known:
                    raise
                return self._known  # names of half a minute ago are better than none
            self._known = {row["device_id"]: _from_row(row) for row in rows}
            self._known_at = monotonic()
        return self._known

    async def page(self, after: str, limit: int) -> list[StoredDevice]:
        """Return the devices whose ids come after `after`, at most `limit`, by id."""
        rows = await self._database.fetch(statement("devices_page"), after, limit, None)
        return [_from_row(row) for row in rows]

    async def get(self, device_id: str) -> StoredDevice | None:
        """Return one device."""
        row = await self._database.fetchrow(statement("devices_page"), "", 1, device_id)
        return None if row is None else _from_row(row)

    async def update(self, device_id: str, changes: dict[str, str | None]) -> None:
        """Set the owner's name, room or role; null or an empty text returns to what the plugin reports."""
        arguments: list[Any] = []
        for field in ("name", "room", "role"):
            arguments += [field in changes, changes.get(field)]
        await self._database.execute(statement("device_update"), device_id, *arguments)
        self._known_at = -math.inf

    async def report(self, plugin_id: str, devices: Sequence[ReportedDevice]) -> None:
        """Store what a plugin says of its devices; another plugin's devices are left alone."""
        unique = {device.device_id: device for device in devices}.values()
        columns = [
            [getattr(device, field) for device in unique]
            for field in (
                "device_id", "device_type", "name", "room", "role", "manufacturer", "model", "firmware", "address",
                "controllable",
            )
        ]  # fmt: skip
        await self._database.execute(statement("devices_report"), plugin_id, *columns)
        self._known_at = -math.inf


def _from_row(row: Any) -> StoredDevice:
    return StoredDevice(**dict(row))
