"""Two hundred rounds of `kill -9` at random moments: core, database, both; under acknowledged writes."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from benchmarks.report import Figure
from kills import Killing

ROUNDS = 200
SEED = 3


async def run() -> list[Figure]:
    """Kill in a thread: nothing here is asynchronous."""
    with TemporaryDirectory() as name:
        began = monotonic()
        tally = await asyncio.to_thread(lambda: Killing(Path(name) / "home", SEED).run(ROUNDS))
        took = monotonic() - began
    return [
        Figure(benchmark="kills", name="rounds of kill -9", value=tally.rounds, unit="rounds"),
        Figure(benchmark="kills", name="of them with samples in the journal", value=tally.journaled_rounds,
               unit="rounds"),
        Figure(benchmark="kills", name="acknowledged samples", value=tally.acknowledged, unit="samples"),
        Figure(benchmark="kills", name="lost of them", value=tally.lost, unit="samples", mark="0"),
        Figure(benchmark="kills", name="doubled or invented", value=tally.doubled_or_invented, unit="samples",
               mark="0"),
        Figure(benchmark="kills", name="time", value=took, unit="s"),
    ]  # fmt: skip
