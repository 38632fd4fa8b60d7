"""Watching real processes, every wait bounded."""

import os
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep

import psutil

#: Every wait of these tests is over long before.
BOUND_S = 10.0


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until_gone(*pids: int) -> None:
    """Return once none of these processes runs."""
    deadline = monotonic() + BOUND_S
    # Processes that are no children of this one announce their end to nobody: to look again is the only way.
    while left := [pid for pid in pids if alive(pid)]:
        assert monotonic() < deadline, f"still alive: {left}"
        sleep(0.01)


def python(code: str) -> list[str]:
    """Return the command line that runs a piece of Python."""
    return [sys.executable, "-c", code]


def run_python(code: str, *arguments: str) -> subprocess.Popen[str]:
    """Start a process of its own whose standard output can be read."""
    return subprocess.Popen([*python(code), *arguments], stdout=subprocess.PIPE, text=True, env=os.environ)


def first_line(process: subprocess.Popen[str]) -> str:
    """Return what the process prints first."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def folder_of_length(parent: Path, length: int) -> Path:
    """Make and return a folder whose path has at least so many bytes."""
    folder = parent
    while len(os.fsencode(folder)) < length:
        folder /= "a-rather-long-name"
    folder.mkdir(parents=True)
    return folder
