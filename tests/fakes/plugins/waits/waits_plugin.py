"""Never comes back from a poll but answers everything else."""

import asyncio
from collections.abc import Sequence

from aetherlens_sdk import BasePlugin, Metric


class WaitsPlugin(BasePlugin):
    """Waits for a device that is not there."""

    async def collect_metrics(self) -> Sequence[Metric]:
        await asyncio.Event().wait()
        return []
