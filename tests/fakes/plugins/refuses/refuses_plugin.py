"""Refuses its configuration."""

from collections.abc import Mapping, Sequence
from typing import Any

from aetherlens_sdk import BasePlugin, ConfigError, Metric


class RefusesPlugin(BasePlugin):
    """Wants something else."""

    @classmethod
    def validate_config(cls, config: Mapping[str, Any]) -> None:
        raise ConfigError("this house is not supported", field="house")

    async def collect_metrics(self) -> Sequence[Metric]:
        return []
