"""Child processes that cannot outlive their parent.

Each child gets its own session, so that Ctrl-C reaches the core alone and the core stops its children in order, and a
parent-death signal (setpriv from util-linux), so that `kill -9` of the core leaves nothing behind.
"""

import asyncio
import os
import shutil
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from aetherlens.lib.logs import get_logger

log = get_logger(__name__)

#: Longest line of a child's output that is logged whole, in bytes.
LOG_LINE_BYTES = 4096


def dies_with_parent(argv: Sequence[str], death_signal: signal.Signals) -> list[str]:
    """Return the command line that runs `argv` so that the kernel sends `death_signal` when this process ends.

    setpriv replaces itself by the command: no process is added. Raises FileNotFoundError where util-linux is missing.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise FileNotFoundError("setpriv is missing; install it with: apt-get install util-linux")
    return [setpriv, "--pdeathsig", death_signal.name.removeprefix("SIG"), "--", *argv]


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
    """Log a child's output line by line until it closes it; an endless line is cut, never kept."""
    stream = process.stdout
    if stream is None:
        raise ValueError("the process was started without a pipe for its output")
    while True:
        try:
            line = await stream.readline()
        except ValueError:  # longer than the stream's limit; the reader has dropped what it held
            log.warning("child_output_too_long", **fields)
            continue
        if not line:
            return
        log.info("child_output", line=line[:LOG_LINE_BYTES].decode(errors="replace").rstrip(), **fields)


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
                await process.wait()
        except TimeoutError:
            log.warning("child_killed", pid=process.pid, grace_s=grace_s)
    signal_group(process, signal.SIGKILL)
    await process.wait()
