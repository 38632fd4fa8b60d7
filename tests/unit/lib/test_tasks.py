"""Background tasks: a failure is logged, a stop waits and is bounded."""

import asyncio

import structlog

from aetherlens.lib import tasks


async def test_a_failure_is_logged_with_its_trace() -> None:
    async def fail() -> None:
        raise ValueError("broken")

    with structlog.testing.capture_logs() as entries:
        task = tasks.start(fail(), "failing")
        await asyncio.wait([task], timeout=5)
        await asyncio.sleep(0)
    (entry,) = entries
    assert (entry["event"], entry["task"]) == ("task_failed", "failing")
    assert isinstance(entry["exc_info"], ValueError)


async def test_a_stop_waits_until_the_task_has_cleaned_up() -> None:
    cleaned: list[str] = []
    running = asyncio.Event()

    async def work() -> None:
        try:
            running.set()
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned.append("up")

    task = tasks.start(work(), "working")
    await running.wait()
    await tasks.stop(task, None)
    assert cleaned == ["up"]
    await tasks.stop(task)


async def test_a_task_that_does_not_stop_is_told_of_and_left() -> None:
    release = asyncio.Event()
    running = asyncio.Event()

    async def stubborn() -> None:
        running.set()
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    task = tasks.start(stubborn(), "stubborn")
    await running.wait()
    with structlog.testing.capture_logs() as entries:
        await tasks.stop(task, timeout_s=0.05)
    assert [(entry["event"], entry["task"]) for entry in entries] == [("task_does_not_stop", "stubborn")]
    release.set()
    await asyncio.wait([task], timeout=5)
