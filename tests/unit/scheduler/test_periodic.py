"""Periodic jobs: again after a failure, bounded in time, and counted."""

import asyncio

from prometheus_client import CollectorRegistry

from aetherlens.lib.metrics import Metrics
from aetherlens.scheduler.periodic import PeriodicJob


def value(registry: CollectorRegistry, outcome: str) -> float:
    return registry.get_sample_value("aetherlens_job_runs_total", {"job": "test", "outcome": outcome}) or 0.0


async def test_a_job_that_fails_or_hangs_is_run_again_at_the_next_tick() -> None:
    metrics = Metrics("test")
    runs = 0
    third = asyncio.Event()

    async def work() -> None:
        nonlocal runs
        runs += 1
        if runs == 1:
            raise ValueError("once")
        if runs == 2:
            await asyncio.Event().wait()
        third.set()

    job = PeriodicJob("test", work, metrics, interval_s=0.05, timeout_s=0.05)
    job.start()
    async with asyncio.timeout(10):
        await third.wait()
        while value(metrics.registry, "succeeded") < 1:
            await asyncio.sleep(0.01)
    await job.stop()
    assert value(metrics.registry, "failed") == 2
    assert metrics.registry.get_sample_value("aetherlens_job_last_success_timestamp_seconds", {"job": "test"})


async def test_a_stopped_job_ends_in_the_middle_of_its_work() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    job = PeriodicJob("test", work, Metrics("test"), interval_s=60, timeout_s=60)
    job.start()
    async with asyncio.timeout(10):
        await begun.wait()
        await job.stop()
    assert ended.is_set()
