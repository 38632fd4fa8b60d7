"""What a plugin author imports. Light on purpose: the standard library, msgspec and h11, nothing else."""

from aetherlens_sdk.device import Device
from aetherlens_sdk.errors import ConfigError, FatalError, PluginError, RetriableError
from aetherlens_sdk.metric import Metric
from aetherlens_sdk.plugin import BasePlugin, Health, PluginContext

__all__ = [
    "BasePlugin",
    "ConfigError",
    "Device",
    "FatalError",
    "Health",
    "Metric",
    "PluginContext",
    "PluginError",
    "RetriableError",
]
