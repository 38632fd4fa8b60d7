"""Prints lines without end, some of them without an end."""

import sys
import threading
from collections.abc import Sequence

from aetherlens_sdk import BasePlugin, Metric


class ChattyPlugin(BasePlugin):
    """Talks all the time."""

    async def start(self) -> None:
        threading.Thread(target=self._talk, daemon=True).start()

    def _talk(self) -> None:
        while True:
            sys.stdout.write("words\n" * 1000 + "x" * 1_000_000)

    async def collect_metrics(self) -> Sequence[Metric]:
        return [Metric(device_id="chatty", metric_type="power", value=1.0)]
