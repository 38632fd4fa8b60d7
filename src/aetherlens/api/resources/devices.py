"""/devices: what is measured, and what its owner calls it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import UNSET, Meta, UnsetType

from aetherlens.api.problems import not_found
from aetherlens.api.requests import check_names, json_response, read_json, whole_number
from aetherlens.lib.clock import from_us
from aetherlens.processor.live import LiveState
from aetherlens.storage.devices import DeviceStore, StoredDevice
from aetherlens.storage.series import SeriesRegistry
from aetherlens_sdk.device import Role

#: One line: no control characters, no line or paragraph separators.
Text = Annotated[str, Meta(max_length=100, pattern=r"\A[^\x00-\x1f\x7f-\x9f\u2028\u2029]*\Z")]


class DeviceMetric(msgspec.Struct, frozen=True, kw_only=True):
    """A quantity the device reports."""

    metric_type: str
    unit: str
    tags: dict[str, str]


class DeviceView(msgspec.Struct, frozen=True, kw_only=True):
    """A device, as clients see it."""

    device_id: str
    name: str
    device_type: str
    role: str | None
    room: str | None
    plugin_id: str
    manufacturer: str | None
    model: str | None
    firmware: str | None
    address: str | None
    controllable: bool
    first_seen: datetime
    #: Time of its newest sample since the core started or of the day before.
    last_seen: datetime | None
    metrics: list[DeviceMetric]


class DeviceChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the owner may change; null or an empty text returns to what the plugin reports."""

    name: Text | UnsetType | None = UNSET
    room: Text | UnsetType | None = UNSET
    role: Role | UnsetType | None = UNSET


class DevicesResource:
    """Lists and changes devices."""

    def __init__(self, devices: DeviceStore, registry: SeriesRegistry, live: LiveState) -> None:
        self._devices = devices
        self._registry = registry
        self._live = live

    async def list(self, request: web.Request) -> web.Response:
        """GET /devices[?limit][&cursor]: devices by id; `next_cursor` leads to the next page."""
        check_names(request, {"limit", "cursor"})
        limit = whole_number(request, "limit", 200, least=1, most=1000)
        page = await self._devices.page(request.query.get("cursor", "").replace("\0", ""), limit + 1)
        more = len(page) > limit
        views = await self._views(page[:limit])
        return json_response({"devices": views, "next_cursor": page[limit - 1].device_id if more else None})

    async def get(self, request: web.Request) -> web.Response:
        """GET /devices/{device_id}: one device."""
        device = await self._find(request.match_info["device_id"])
        return json_response((await self._views([device]))[0])

    async def change(self, request: web.Request) -> web.Response:
        """PATCH /devices/{device_id}: set name, room or role; answers with the device as it is then."""
        device = await self._find(request.match_info["device_id"])
        change = await read_json(request, DeviceChange)
        given = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not UNSET}
        if given:
            await self._devices.update(device.device_id, given)
        return json_response((await self._views([await self._find(device.device_id)]))[0])

    async def _find(self, device_id: str) -> StoredDevice:
        device = None if "\0" in device_id else await self._devices.get(device_id)
        if device is None:
            raise not_found(f"there is no device {device_id[:128]!r}", field="device_id")
        return device

    async def _views(self, devices: Sequence[StoredDevice]) -> Sequence[DeviceView]:
        known = all(self._registry.knows(series_id) for device in devices for series_id in device.series_ids)
        if not known:
            await self._registry.load()  # an import may have added some
        return [self._view(device) for device in devices]

    def _view(self, device: StoredDevice) -> DeviceView:
        fields = msgspec.structs.asdict(device)
        series = [self._registry.by_id(series_id) for series_id in fields.pop("series_ids")]
        last_seen_us = self._live.last_seen_us(device.series_ids)
        return DeviceView(
            **fields,
            last_seen=None if last_seen_us is None else from_us(last_seen_us),
            metrics=[DeviceMetric(metric_type=one.metric_type, unit=one.unit, tags=one.tags) for one in series],
        )
