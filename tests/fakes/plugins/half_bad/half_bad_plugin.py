"""Reports one good metric among many bad ones."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime

from aetherlens_sdk import BasePlugin, Device, Metric


class HalfBadPlugin(BasePlugin):
    """Has one sound sensor."""

    async def collect_metrics(self) -> Sequence[Metric]:
        return [
            Metric(device_id="half_bad", metric_type="power", value=math.nan),
            Metric(device_id="half_bad", metric_type="power", value=math.inf),
            Metric(device_id="half bad", metric_type="power", value=1.0),
            Metric(device_id="half_bad", metric_type="power", value=1.0, unit="kWh"),
            Metric(device_id="half_bad", metric_type="power", value=1.0, timestamp=datetime(1970, 1, 1, tzinfo=UTC)),
            Metric(device_id="half_bad", metric_type="voltage", value=230.0),
        ]

    async def discover_devices(self) -> Sequence[Device]:
        return [
            Device(device_id="half\0bad", name="Zero", device_type="meter"),
            Device(device_id="half_bad", name="Sound", device_type="meter"),
            Device(device_id="half_bad_2", name="x" * 10_000, device_type="meter"),
        ]
