"""All plugins of this home."""

import asyncio
from collections.abc import Callable
from datetime import datetime

import msgspec

from aetherlens.lib.clock import from_us
from aetherlens.lib.logs import get_logger
from aetherlens.plugins.catalogue import InstalledPlugin
from aetherlens.plugins.configuration import PluginConfiguration
from aetherlens.plugins.errors import BadConfigurationError
from aetherlens.plugins.supervisor import State, Supervisor

log = get_logger(__name__)

#: (plugin, its configuration) → its supervisor, not yet started.
MakeSupervisor = Callable[[InstalledPlugin, PluginConfiguration], Supervisor]


class PluginInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One plugin, as the API shows it."""

    id: str
    name: str
    version: str
    description: str
    capabilities: tuple[str, ...]
    state: State
    #: Why it is not running.
    reason: str | None = None
    restarts: int = 0
    pid: int | None = None
    memory_bytes: int | None = None
    last_success: datetime | None = None
    #: Devices that do not answer: id or address → reason.
    devices_away: dict[str, str] = {}


class PluginManager:
    """Starts and stops the enabled plugins and knows of the others."""

    def __init__(
        self,
        installed: dict[str, InstalledPlugin],
        configurations: dict[str, PluginConfiguration | BadConfigurationError],
        make_supervisor: MakeSupervisor,
    ) -> None:
        self._installed = installed
        self._supervisors: dict[str, Supervisor] = {}
        self._blocked: dict[str, str] = {}
        for plugin_id, configuration in configurations.items():
            if plugin_id not in installed:
                log.error("plugin_not_installed", plugin=plugin_id, known=sorted(installed))
            elif isinstance(configuration, BadConfigurationError):
                log.error("plugin_configuration_broken", plugin=plugin_id, reason=str(configuration))
                self._blocked[plugin_id] = str(configuration)
            elif configuration.enabled:
                self._supervisors[plugin_id] = make_supervisor(installed[plugin_id], configuration)

    def start(self) -> None:
        """Start all enabled plugins; returns at once."""
        for supervisor in self._supervisors.values():
            supervisor.start()

    async def stop(self) -> None:
        """Stop all plugins, at the same time."""
        await asyncio.gather(*(supervisor.stop() for supervisor in self._supervisors.values()))

    def tokens(self) -> dict[str, str]:
        """Return the push token of each running plugin by id."""
        return {plugin_id: supervisor.token for plugin_id, supervisor in self._supervisors.items()}

    def list(self) -> list[PluginInfo]:
        """Return every installed plugin by id."""
        return [self._info(plugin) for _, plugin in sorted(self._installed.items())]

    def _info(self, plugin: InstalledPlugin) -> PluginInfo:
        manifest = plugin.manifest
        base = PluginInfo(
            id=manifest.id,
            name=manifest.name,
            version=manifest.version,
            description=manifest.description,
            capabilities=manifest.capabilities,
            state="disabled",
        )
        if manifest.id in self._blocked:
            return msgspec.structs.replace(base, state="blocked", reason=self._blocked[manifest.id])
        supervisor = self._supervisors.get(manifest.id)
        if supervisor is None:
            return base
        status = supervisor.status()
        return msgspec.structs.replace(
            base,
            state=status.state,
            reason=status.reason,
            restarts=status.restarts,
            pid=status.pid,
            memory_bytes=status.memory_bytes,
            last_success=None if status.last_success_us is None else from_us(status.last_success_us),
            devices_away=status.devices_away,
        )
