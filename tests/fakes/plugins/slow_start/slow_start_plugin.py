"""Takes its time to start."""

import time
from collections.abc import Sequence

from aetherlens_sdk import BasePlugin, Metric

time.sleep(3)


class SlowStartPlugin(BasePlugin):
    """Works, once it is there."""

    async def collect_metrics(self) -> Sequence[Metric]:
        return [Metric(device_id="slow_start", metric_type="power", value=1.0)]
