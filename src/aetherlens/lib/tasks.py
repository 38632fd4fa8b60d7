"""Background tasks with an owner: a failure is logged, a stop waits and is bounded."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from aetherlens.lib.logs import get_logger

log = get_logger(__name__)

Task = asyncio.Task[None]


def start(work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
    """Run `work` in the background; an exception that ends it is logged with its trace."""
    task = asyncio.get_running_loop().create_task(work, name=name)
    task.add_done_callback(_report)
    return task


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("task_failed", task=task.get_name(), exc_info=error)


async def stop(*tasks: asyncio.Task[None] | None, timeout_s: float = 10.0) -> None:
    """Cancel the tasks and wait until they have ended, at most `timeout_s` seconds."""
    running = [task for task in tasks if task is not None and not task.done()]
    for task in running:
        task.cancel()
    if running:
        _, late = await asyncio.wait(running, timeout=timeout_s)
        for task in late:
            log.error("task_does_not_stop", task=task.get_name(), timeout_s=timeout_s)
