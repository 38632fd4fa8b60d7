"""Raises from every poll."""

from collections.abc import Sequence

from aetherlens_sdk import BasePlugin, Metric


class RaisesPlugin(BasePlugin):
    """Has a fault."""

    async def collect_metrics(self) -> Sequence[Metric]:
        raise ZeroDivisionError("x" * 100_000)
