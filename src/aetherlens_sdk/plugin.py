"""The class a plugin derives from."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import msgspec

from aetherlens_sdk.device import Device
from aetherlens_sdk.errors import RetriableError
from aetherlens_sdk.metric import Metric


class Health(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the plugin itself judges its work."""

    status: Literal["ok", "degraded", "failing"] = "ok"
    #: Why it is not ok, for people.
    reason: str | None = None
    #: Devices that do not answer: device id or address → reason.
    devices: dict[str, str] = {}


async def _push_nowhere(metrics: Sequence[Metric]) -> None:
    raise RetriableError("this plugin runs without a core to push to")


def _utc_now() -> datetime:
    return datetime.now(UTC)


class PluginContext(msgspec.Struct, frozen=True, kw_only=True):
    """What the core lends to a plugin."""

    #: The plugin's own folder for state: the only place it may write to.
    state_dir: Path
    #: Sends metrics between polls; returns once the core has taken them. Raises RetriableError when it has not.
    push: Callable[[Sequence[Metric]], Awaitable[None]] = _push_nowhere
    #: The current time, in UTC.
    now: Callable[[], datetime] = _utc_now


class BasePlugin(ABC):
    """One configured plugin. A new configuration makes a new instance; the old one is closed after the new one started.

    Only `collect_metrics` must be written. All methods run on one event loop and must not block it.
    """

    def __init__(self, config: Mapping[str, Any], context: PluginContext) -> None:
        """Keep the configuration; raise ConfigError where it is wrong. No I/O here: that is for `start`."""
        self.config = config
        self.context = context

    @classmethod
    def validate_config(cls, config: Mapping[str, Any]) -> None:
        """Check what the manifest's JSON Schema cannot say. Raises ConfigError with the field's path."""

    async def start(self) -> None:
        """Open connections and start background work."""

    async def close(self) -> None:
        """Undo `start`; called once."""

    @abstractmethod
    async def collect_metrics(self) -> Sequence[Metric]:
        """Return the current readings of all devices; a device that is away is left out.

        Raises RetriableError when nothing could be read, FatalError when the process must be started anew.
        """

    async def discover_devices(self) -> Sequence[Device]:
        """Return the devices that are configured or found on the network."""
        return ()

    async def control_device(self, device_id: str, command: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Carry out a command such as ``turn_on``; return the state afterwards. Raises PluginError."""
        raise RetriableError(f"{type(self).__name__} controls no devices")

    def get_capabilities(self) -> Sequence[str]:
        """Return what this plugin can do with its present configuration."""
        return ("metrics.collect",)

    async def get_health(self) -> Health:
        """Say how the work goes, in less than a second and without asking devices."""
        return Health()
