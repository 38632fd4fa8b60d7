"""The whole route table."""

import msgspec
from aiohttp import web

from aetherlens.api.front import Front
from aetherlens.api.resources.devices import DevicesResource
from aetherlens.api.resources.history import HistoryResource
from aetherlens.api.resources.metrics import MetricsResource
from aetherlens.api.resources.plugins import PluginsResource
from aetherlens.api.resources.system import SystemResource
from aetherlens.api.stream import StreamResource


class Resources(msgspec.Struct, frozen=True, kw_only=True):
    """What answers the routes."""

    metrics: MetricsResource
    history: HistoryResource
    devices: DevicesResource
    plugins: PluginsResource
    system: SystemResource
    stream: StreamResource
    front: Front


def routes(on: Resources) -> list[web.RouteDef]:
    """Return every route. The last one takes what no other did: a page of the web process."""
    return [
        web.get("/api/v1/metrics/current", on.metrics.current),
        web.get("/api/v1/metrics/history", on.history.history, allow_head=False),
        web.post("/api/v1/metrics", on.metrics.write),
        web.get("/api/v1/devices", on.devices.list),
        web.get("/api/v1/devices/{device_id}", on.devices.get),
        web.patch("/api/v1/devices/{device_id}", on.devices.change),
        web.get("/api/v1/plugins", on.plugins.list),
        web.get("/api/v1/system", on.system.system),
        web.get("/api/v1/events", on.stream.events, allow_head=False),
        web.get("/health", on.system.health),
        web.get("/ready", on.system.ready),
        web.get("/metrics", on.system.prometheus),
        web.route("*", "/{path:(?!api/).*}", on.front.hand_over),
    ]
