"""How a plugin becomes a process. One interface; `SubprocessLauncher` is the one that works everywhere."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from aetherlens.lib import process as child
from aetherlens.lib import tasks

#: How long a plugin may take to end after SIGTERM.
STOP_GRACE_S = 3.0


class LaunchOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What a launcher needs to know."""

    plugin_id: str
    #: The plugin's folder.
    folder: Path
    #: ``module:Class`` inside the folder.
    entrypoint: str
    #: Folder of the sockets, the plugin's own and the core's intake; the process starts in it.
    socket_folder: Path
    #: Name of the plugin's socket in it.
    socket_name: str
    #: Name of the core's intake socket in it.
    intake_socket_name: str
    #: The one folder the plugin may write to.
    state_dir: Path
    #: What the plugin shows when it pushes metrics.
    token: str
    #: Data segment at most, in bytes.
    max_memory_bytes: int


class RunningPlugin(Protocol):
    """A plugin's process."""

    @property
    def pid(self) -> int:
        """Process id."""

    async def wait(self) -> int:
        """Return the exit status once the process has ended."""

    async def stop(self) -> None:
        """End the process and all it started; bounded in time."""


class Launcher(Protocol):
    """Starts plugins."""

    #: Protections in force, for people to see.
    protections: Sequence[str]

    async def launch(self, order: LaunchOrder) -> RunningPlugin:
        """Start a plugin's process."""


class SubprocessLauncher:
    """Plugins as children of the core: own session, resource limits, scrubbed environment, tied to the core's life."""

    protections: Sequence[str] = (
        "own process and session",
        "memory limit (data segment)",
        "no core dumps",
        "no new privileges",
        "scrubbed environment",
    )

    def __init__(self) -> None:
        """Raises MissingToolError."""
        self._prlimit = child.require("prlimit")

    async def launch(self, order: LaunchOrder) -> RunningPlugin:
        """Start the SDK's runner for a plugin."""
        runner = [
            sys.executable, "-m", "aetherlens_sdk.runner",
            "--folder", str(order.folder),
            "--entrypoint", order.entrypoint,
            "--socket", order.socket_name,
            "--state-dir", str(order.state_dir),
            "--intake-socket", order.intake_socket_name,
        ]  # fmt: skip
        setpriv, *rest = child.dies_with_parent(runner, signal.SIGKILL)
        limits = [self._prlimit, f"--data={order.max_memory_bytes}", "--core=0"]
        process = await child.spawn(
            [*limits, setpriv, "--no-new-privs", *rest],
            environment=child.scrubbed_environment(
                AETHERLENS_PLUGIN_TOKEN=order.token, HOME=str(order.state_dir), MALLOC_ARENA_MAX="2"
            ),
            output=subprocess.PIPE,
            folder=order.socket_folder,
        )
        return _Subprocess(process, order.plugin_id)


class _Subprocess:
    def __init__(self, process: asyncio.subprocess.Process, plugin_id: str) -> None:
        self._process = process
        self._output = tasks.start(child.log_output(process, plugin=plugin_id), f"output-{plugin_id}")

    @property
    def pid(self) -> int:
        return self._process.pid

    async def wait(self) -> int:
        return await child.ended(self._process)

    async def stop(self) -> None:
        await child.terminate(self._process, grace_s=STOP_GRACE_S)
        await child.finish_output(self._process, self._output)


def resident_bytes(pid: int) -> int | None:
    """Return the resident memory of a process in bytes; None when it is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, IndexError, ValueError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")
