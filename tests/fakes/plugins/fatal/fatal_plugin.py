"""Asks to be started anew at every poll."""

from collections.abc import Sequence

from aetherlens_sdk import BasePlugin, FatalError, Metric


class FatalPlugin(BasePlugin):
    """Cannot go on."""

    async def collect_metrics(self) -> Sequence[Metric]:
        raise FatalError("the radio is stuck")
