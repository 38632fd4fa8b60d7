"""Work that is done again and again: on its own grid, never twice at once, its duration and success exported."""

import asyncio
from collections.abc import Awaitable, Callable
from time import perf_counter

from aetherlens.lib import tasks
from aetherlens.lib.logs import get_logger
from aetherlens.lib.metrics import Metrics
from aetherlens.scheduler.grid import Grid

log = get_logger(__name__)


class PeriodicJob:
    """Runs `work` at once and then on a grid; a failure is logged and the next tick tries again."""

    def __init__(
        self, name: str, work: Callable[[], Awaitable[None]], metrics: Metrics, *, interval_s: float, timeout_s: float
    ) -> None:
        """`timeout_s` bounds one run, in seconds."""
        self._name = name
        self._work = work
        self._metrics = metrics
        self._grid = Grid.for_job(name, interval_s)
        self._timeout_s = timeout_s
        self._life: tasks.Task | None = None

    def start(self) -> None:
        """Begin; returns at once."""
        self._life = tasks.start(self._live(), f"job-{self._name}")

    async def stop(self) -> None:
        """End, in the middle of a run if need be."""
        await tasks.stop(self._life)

    async def _live(self) -> None:
        async for _ in self._grid.ticks():
            await self._run()

    async def _run(self) -> None:
        started = perf_counter()
        outcome = "succeeded"
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._work()
        except Exception:  # a job's failure is its own; the next tick tries again
            outcome = "failed"
            log.exception("job_failed", job=self._name)
        self._metrics.job_duration.labels(self._name).observe(perf_counter() - started)
        self._metrics.job_runs.labels(self._name, outcome).inc()
        if outcome == "succeeded":
            self._metrics.job_last_success.labels(self._name).set_to_current_time()
