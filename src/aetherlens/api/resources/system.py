"""/system, /health, /ready and /metrics: the core about itself."""

import asyncio
from datetime import UTC, datetime

from aiohttp import web

from aetherlens import __version__
from aetherlens.api.requests import check_names, json_response
from aetherlens.lib.clock import now_us
from aetherlens.lib.metrics import CONTENT_TYPE, Metrics
from aetherlens.plugins.manager import PluginManager
from aetherlens.processor.live import LiveState
from aetherlens.settings import Home
from aetherlens.storage.disk_guard import DiskGuard
from aetherlens.storage.errors import DatabaseUnavailableError
from aetherlens.storage.journal import Journal
from aetherlens.storage.partitions import Partitions
from aetherlens.storage.pool import Database

#: How long the database may take to answer a health check, in seconds.
HEALTH_TIMEOUT_S = 2.0


class SystemResource:
    """Says how the core is."""

    def __init__(
        self,
        home: Home,
        time_zone: str,
        database: Database,
        partitions: Partitions,
        disk: DiskGuard,
        journal: Journal,
        manager: PluginManager,
        live: LiveState,
        metrics: Metrics,
    ) -> None:
        self._home = home
        self._time_zone = time_zone
        self._database = database
        self._partitions = partitions
        self._disk = disk
        self._journal = journal
        self._manager = manager
        self._live = live
        self._metrics = metrics
        self._question: asyncio.Task[str | None] | None = None

    async def system(self, request: web.Request) -> web.Response:
        """GET /system: version, home and time."""
        check_names(request, set())
        home = {"name": self._home.name, "time_zone": self._time_zone}
        return json_response({"version": __version__, "home": home, "time": datetime.now(UTC)})

    async def health(self, request: web.Request) -> web.Response:
        """GET /health: 200 with status ok or degraded while the core works, 503 while the database is away."""
        version = await self._database_version()
        disk = self._disk.space
        plugins = {plugin.id: plugin.state for plugin in self._manager.list() if plugin.state != "disabled"}
        troubled = disk.status != "ok" or any(state in {"failing", "blocked"} for state in plugins.values())
        body = {
            "status": "unavailable" if version is None else "degraded" if troubled else "ok",
            "version": __version__,
            "database": {
                "status": "away" if version is None else "ok",
                "version": version,
                "partitions": self._partitions.kind,
            },
            "disk": disk,
            "journal": self._journal.state(),
            "plugins": plugins,
        }
        return json_response(body, 503 if version is None else 200)

    async def ready(self, request: web.Request) -> web.Response:
        """GET /ready: 200 when requests can be served, 503 otherwise."""
        ready = await self._database_version() is not None
        return json_response({"ready": ready}, 200 if ready else 503)

    async def prometheus(self, request: web.Request) -> web.Response:
        """GET /metrics: Prometheus's text format."""
        self._metrics.active_devices.clear()
        for device_type, count in self._live.active_devices(now_us()).items():
            self._metrics.active_devices.labels(device_type).set(count)
        return web.Response(body=self._metrics.exposition(), headers={"content-type": CONTENT_TYPE})

    async def _database_version(self) -> str | None:
        """Return the server's version; None when it does not answer in time.

        A server that hangs holds up even the withdrawal of a question, so the question is left to itself and shared by
        all who ask meanwhile.
        """
        if self._question is None or self._question.done():
            self._question = asyncio.create_task(self._ask(), name="database-health")
        await asyncio.wait([self._question], timeout=HEALTH_TIMEOUT_S)
        return self._question.result() if self._question.done() else None

    async def _ask(self) -> str | None:
        try:
            async with asyncio.timeout(HEALTH_TIMEOUT_S):
                return await self._database.version()
        except (DatabaseUnavailableError, TimeoutError):
            return None
