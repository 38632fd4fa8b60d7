"""Ends as soon as it is started."""

import sys
from collections.abc import Sequence

from aetherlens_sdk import BasePlugin, Metric

print("last words", flush=True)
if __name__ != "__main__":
    sys.exit(3)


class ExitsPlugin(BasePlugin):
    """Never made."""

    async def collect_metrics(self) -> Sequence[Metric]:
        return []
