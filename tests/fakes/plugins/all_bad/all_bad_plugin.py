"""Reports nothing but numbers that are none."""

import math
from collections.abc import Sequence

from aetherlens_sdk import BasePlugin, Metric


class AllBadPlugin(BasePlugin):
    """All its sensors are broken."""

    async def collect_metrics(self) -> Sequence[Metric]:
        return [Metric(device_id="all_bad", metric_type="power", value=math.nan)] * 100
