"""Has a schema that the owner's file does not meet."""

from collections.abc import Sequence

from aetherlens_sdk import BasePlugin, Metric


class StrictPlugin(BasePlugin):
    """Never started."""

    async def collect_metrics(self) -> Sequence[Metric]:
        return []
