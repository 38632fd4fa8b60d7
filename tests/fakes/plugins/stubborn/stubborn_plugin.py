"""Ignores SIGTERM and leaves a child that does so too."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Sequence

from aetherlens_sdk import BasePlugin, Metric


class StubbornPlugin(BasePlugin):
    """Does not want to go."""

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_signal_handler(signal.SIGTERM)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self.child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])

    async def collect_metrics(self) -> Sequence[Metric]:
        return [Metric(device_id="stubborn", metric_type="child_pid", value=float(self.child.pid))]
