"""Keeps the process that renders the pages alive."""

import asyncio
import subprocess
import sys
from pathlib import Path
from signal import SIGKILL
from time import monotonic

from aetherlens.lib import process as child
from aetherlens.lib import tasks
from aetherlens.lib.logs import get_logger
from aetherlens.lib.retry import backoff

log = get_logger(__name__)

STOP_GRACE_S = 5.0
#: A process that lived so long starts with a clean record when it dies.
STABLE_AFTER_S = 60.0


class WebProcess:
    """Runs `aetherlens_web` on a socket in `run_folder` and starts it again when it dies."""

    def __init__(self, run_folder: Path, *, socket_name: str, api_socket_name: str) -> None:
        self._run_folder = run_folder
        self._command = child.dies_with_parent(
            [
                sys.executable, "-m", "aetherlens_web", "--socket", socket_name, "--api-socket", api_socket_name,
            ],
            SIGKILL,
        )  # fmt: skip
        self._process: asyncio.subprocess.Process | None = None
        self._life: tasks.Task | None = None

    @property
    def pid(self) -> int | None:
        """The process id, None while there is none."""
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        """Start it; returns at once."""
        self._life = tasks.start(self._live(), "web-process")

    async def stop(self) -> None:
        """End it."""
        await tasks.stop(self._life)

    async def _live(self) -> None:
        waits = backoff(0.5, 30.0)
        while True:
            began = monotonic()
            try:
                await self._run_once()
            except OSError as error:
                log.error("web_process_cannot_start", reason=str(error))
            if monotonic() - began > STABLE_AFTER_S:
                waits = backoff(0.5, 30.0)
            await asyncio.sleep(next(waits))

    async def _run_once(self) -> None:
        self._process = process = await child.spawn(
            self._command,
            environment=child.scrubbed_environment(MALLOC_ARENA_MAX="2"),
            output=subprocess.PIPE,
            folder=self._run_folder,
        )
        output = tasks.start(child.log_output(process, part="web"), "output-web")
        try:
            log.error("web_process_died", status=await child.ended(process))
        finally:
            await child.terminate(process, grace_s=STOP_GRACE_S)
            await child.finish_output(process, output)
            self._process = None
