"""Child processes that cannot outlive their parent.

Each child gets its own session, so that Ctrl-C reaches the core alone and the core stops its children in order, and a
parent-death signal (setpriv from util-linux), so that `kill -9` of the core leaves nothing behind.
"""

import asyncio
import contextlib
import os
import shutil
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import monotonic
from typing import IO

from aetherlens.lib import tasks
from aetherlens.lib.logs import get_logger

log = get_logger(__name__)

#: Longest line of a child's output that is logged whole, in bytes.
LOG_LINE_BYTES = 4096
#: Lines (or pieces of an endless one) of a child that are logged in a second; the rest of that second is dropped.
LOG_LINES_PER_S = 200
#: Pause between two pieces of output that are dropped: a flood costs little time, and its writer has to wait.
_DROP_PAUSE_S = 0.01
#: How long the output of a child that has ended may take until it is read to its end.
OUTPUT_GRACE_S = 1.0
#: How soon the end of a process is noticed when its output stays open.
_LOOK_AGAIN_S = 0.5


class MissingToolError(Exception):
    """A program of the operating system is missing; the message names it and the command that installs it."""


def require(tool: str) -> str:
    """Return the path of a program that comes with util-linux. Raises MissingToolError."""
    path = shutil.which(tool)
    if path is None:
        raise MissingToolError(f"{tool} is missing; install it with: apt-get install util-linux")
    return path


def dies_with_parent(argv: Sequence[str], death_signal: signal.Signals) -> list[str]:
    """Return the command line that runs `argv` so that the kernel sends `death_signal` when this process ends.

    setpriv replaces itself by the command: no process is added. Raises MissingToolError.
    """
    return [require("setpriv"), "--pdeathsig", death_signal.name.removeprefix("SIG"), "--", *argv]


async def spawn(
    argv: Sequence[str],
    *,
    environment: Mapping[str, str],
    output: int | IO[bytes],
    folder: Path | None = None,
) -> asyncio.subprocess.Process:
    """Start a child in its own session with nothing on standard input; both its outputs go to `output`.

    Must be called on the main thread: the parent-death signal follows the thread that forks.
    """
    return await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=output,
        stderr=asyncio.subprocess.STDOUT,
        env=dict(environment),
        cwd=folder,
        start_new_session=True,
    )


def scrubbed_environment(**additions: str) -> dict[str, str]:
    """Return the few variables every child may see, plus `additions`; secrets of the core's own stay behind."""
    kept = ("PATH", "LANG", "LC_ALL", "TZ", "PYTHONPATH", "COVERAGE_PROCESS_START")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    return {**environment, "PYTHONUNBUFFERED": "1", "PYTHONNOUSERSITE": "1", **additions}


async def log_output(process: asyncio.subprocess.Process, **fields: str) -> None:
    """Log a child's output line by line until it closes it; an endless line is cut, never kept.

    A flood beyond LOG_LINES_PER_S is dropped and told of once a second.
    """
    stream = process.stdout
    if stream is None:
        raise ValueError("the process was started without a pipe for its output")
    second, lines = monotonic(), 0
    while True:
        lines += 1
        if lines > LOG_LINES_PER_S:
            if dropped := await _drop(stream, second + 1.0):
                log.warning("child_output_flood", dropped_bytes=dropped, **fields)
            second, lines = monotonic(), 1
        try:
            line = await stream.readline()
        except ValueError:  # longer than the stream's limit; the reader has dropped what it held
            log.warning("child_output_too_long", **fields)
            continue
        if not line:
            return
        log.info("child_output", line=line[:LOG_LINE_BYTES].decode(errors="replace").rstrip(), **fields)


async def _drop(stream: asyncio.StreamReader, until: float) -> int:
    """Read and forget output until that time (of `monotonic`) or its end; return its size in bytes."""
    dropped = 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(until - monotonic()):
            while piece := await stream.read(2**16):
                dropped += len(piece)
                await asyncio.sleep(_DROP_PAUSE_S)
    return dropped


async def ended(process: asyncio.subprocess.Process) -> int:
    """Return the exit status once the process has ended, even while somebody else holds its output open.

    asyncio's own `wait` returns only when the output is read to its end; uvloop's at once.
    """
    while process.returncode is None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_AGAIN_S):
                await process.wait()
    return process.returncode


async def finish_output(process: asyncio.subprocess.Process, reader: asyncio.Task[None]) -> None:
    """Let `reader` log what the child wrote last, then close the pipe, though a grandchild may still hold its end."""
    await asyncio.wait([reader], timeout=OUTPUT_GRACE_S)
    await tasks.stop(reader)
    close_pipe(process)


def close_pipe(process: asyncio.subprocess.Process) -> None:
    """Close the reading end of a child's output at once; asyncio has no public way to it."""
    transport: asyncio.SubprocessTransport = vars(process)["_transport"]
    transport.close()


def signal_group(process: asyncio.subprocess.Process, signum: signal.Signals) -> None:
    """Send a signal to the child and all that it started; quiet when they are gone."""
    try:
        os.killpg(process.pid, signum)
    except ProcessLookupError:
        return


async def terminate(
    process: asyncio.subprocess.Process, *, grace_s: float, first: signal.Signals = signal.SIGTERM
) -> None:
    """Ask the child to end with `first`, kill its whole group after `grace_s` seconds, and reap it."""
    if process.returncode is None:
        signal_group(process, first)
        try:
            async with asyncio.timeout(grace_s):
                await ended(process)
        except TimeoutError:
            log.warning("child_killed", pid=process.pid, grace_s=grace_s)
    signal_group(process, signal.SIGKILL)
    await ended(process)
