"""Takes all the memory it can get and keeps it."""

from collections.abc import Sequence

from aetherlens_sdk import BasePlugin, Metric


class HogPlugin(BasePlugin):
    """Eats."""

    async def start(self) -> None:
        self.eaten: list[bytearray] = []

    async def collect_metrics(self) -> Sequence[Metric]:
        while True:
            self.eaten.append(bytearray(1024 * 1024))
