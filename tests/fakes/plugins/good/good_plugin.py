"""A plugin as it should be."""

from collections.abc import Sequence

from aetherlens_sdk import BasePlugin, Device, Metric


class GoodPlugin(BasePlugin):
    """Reports one device and finds it."""

    async def collect_metrics(self) -> Sequence[Metric]:
        return [Metric(device_id="good", metric_type="power", value=1.0)]

    async def discover_devices(self) -> Sequence[Device]:
        return [Device(device_id="good", name="Good device", device_type="meter", room="Hall")]
