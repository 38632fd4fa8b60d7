"""Never comes back from a poll and answers nothing else meanwhile."""

import time
from collections.abc import Sequence

from aetherlens_sdk import BasePlugin, Metric


class HangsPlugin(BasePlugin):
    """Blocks its whole process."""

    async def collect_metrics(self) -> Sequence[Metric]:
        time.sleep(3600)
        return []
