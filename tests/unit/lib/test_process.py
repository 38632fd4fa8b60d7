"""Children end when they should: asked, killed, or with their parent."""

import asyncio
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

import psutil
import pytest
import structlog

from aetherlens.lib import process as child
from aetherlens.lib.process import LOG_LINE_BYTES, LOG_LINES_PER_S, MissingToolError, close_pipe
from unit.lib.helpers import BOUND_S, alive, first_line, python, run_python, wait_until_gone

STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
grandchild = subprocess.Popen([sys.executable, "-c", "import signal, time; "
    "signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(600)"], stdout=subprocess.PIPE)
grandchild.stdout.readline()
print(grandchild.pid, flush=True)
time.sleep(600)
"""

PARENT = """
import asyncio, signal, subprocess, sys
from aetherlens.lib import process as child

async def main():
    sleeper = [sys.executable, "-c", "import time; print(flush=True); time.sleep(600)"]
    argv = child.dies_with_parent(sleeper, signal.SIGKILL)
    process = await child.spawn(argv, environment=child.scrubbed_environment(), output=subprocess.PIPE)
    await process.stdout.readline()
    print(process.pid, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


@asynccontextmanager
async def spawned(code: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run Python code as a child; it is gone afterwards."""
    process = await child.spawn(python(code), environment=child.scrubbed_environment(), output=subprocess.PIPE)
    try:
        async with asyncio.timeout(BOUND_S):
            yield process
    finally:
        await child.terminate(process, grace_s=0)
        close_pipe(process)


async def test_a_child_that_ignores_sigterm_is_killed_with_all_it_started() -> None:
    async with spawned(STUBBORN) as process:
        assert process.stdout is not None
        grandchild = int(await process.stdout.readline())
        started = monotonic()
        await child.terminate(process, grace_s=0.2)
        assert 0.2 <= monotonic() - started < 5
        assert process.returncode == -signal.SIGKILL
        wait_until_gone(grandchild, process.pid)


async def test_a_child_that_ends_when_asked_is_not_waited_for_any_longer() -> None:
    async with spawned("import time; print(flush=True); time.sleep(600)") as process:
        assert process.stdout is not None
        await process.stdout.readline()
        await child.terminate(process, grace_s=60)
        assert process.returncode == -signal.SIGTERM


async def test_a_child_that_is_gone_already_is_reaped_quietly() -> None:
    async with spawned("") as process:
        await process.wait()
        await child.terminate(process, grace_s=1)
        assert process.returncode == 0


def test_kill_minus_nine_of_the_parent_leaves_no_child() -> None:
    with run_python(PARENT) as parent:
        try:
            pid = int(first_line(parent))
            assert alive(pid)
        finally:
            parent.kill()
        wait_until_gone(pid)


async def test_a_child_stands_in_a_session_of_its_own_with_nothing_to_read() -> None:
    async with spawned("import os, sys; print(os.getsid(0) == os.getpid(), repr(sys.stdin.read()))") as process:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"True ''\n"


async def test_the_end_of_a_child_is_noticed_while_another_process_holds_its_output() -> None:
    code = (
        "import subprocess, sys\n"
        "held = 'import time; time.sleep(600)'\n"
        "print(subprocess.Popen([sys.executable, '-c', held], start_new_session=True).pid, flush=True)"
    )
    async with spawned(code) as process:
        assert process.stdout is not None
        escaped = psutil.Process(int(await process.stdout.readline()))
        try:
            assert await child.ended(process) == 0
        finally:
            escaped.kill()


async def test_the_last_words_of_a_child_are_logged_before_its_output_is_closed() -> None:
    async with spawned("import sys; sys.exit('out of order')") as process:
        with structlog.testing.capture_logs() as entries:
            reader = asyncio.ensure_future(child.log_output(process))
            await child.ended(process)
            await child.terminate(process, grace_s=1)
            await child.finish_output(process, reader)
    assert [entry["line"] for entry in entries] == ["out of order"]


def test_a_childs_environment_holds_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:hunter2@h/d")
    monkeypatch.setenv("SECRET_KEY", "hunter2")
    environment = child.scrubbed_environment(OWN="1")
    assert "hunter2" not in str(environment)
    assert environment["OWN"] == "1"
    assert "PATH" in environment


async def logged(code: str) -> list[structlog.typing.EventDict]:
    """Return what is logged of a child's whole output."""
    async with spawned(code) as process:
        with structlog.testing.capture_logs() as entries:
            await child.log_output(process, plugin="p")
        return list(entries)


async def test_both_outputs_are_logged_line_by_line_with_the_childs_name() -> None:
    entries = await logged("import sys; print('out', flush=True); sys.stderr.buffer.write(b'\\xff err'); ")
    assert sorted((entry["event"], entry["line"], entry["plugin"]) for entry in entries) == [
        ("child_output", "out", "p"),
        ("child_output", "\N{REPLACEMENT CHARACTER} err", "p"),
    ]


async def test_an_endless_line_is_cut_and_what_follows_it_is_logged() -> None:
    entries = await logged("print('x' * 5_000_000); print('after')")
    assert entries[-1]["line"].endswith("after") or entries[-1]["line"] == "after"
    assert any(entry["event"] == "child_output_too_long" for entry in entries)
    assert all(len(entry.get("line", "")) <= LOG_LINE_BYTES for entry in entries)
    assert len(entries) < 100


async def test_a_flood_of_lines_is_dropped_and_the_loop_stays_free() -> None:
    async with spawned("import sys\nwhile True: sys.stdout.write('x\\n' * 1000)") as process:
        with structlog.testing.capture_logs() as entries:
            reader = asyncio.ensure_future(child.log_output(process, plugin="p"))
            try:
                longest = await _longest_pause(1.5)
            finally:
                reader.cancel()
                await asyncio.wait([reader])
    lines = sum(entry["event"] == "child_output" for entry in entries)
    assert LOG_LINES_PER_S <= lines <= 3 * LOG_LINES_PER_S
    assert sum(entry["event"] == "child_output_flood" for entry in entries) in {1, 2}
    assert longest < 0.5


async def _longest_pause(duration_s: float) -> float:
    """Return the longest time, in seconds, for which other tasks could not run."""
    longest, last = 0.0, monotonic()
    end = last + duration_s
    while last < end:
        await asyncio.sleep(0.005)
        longest, last = max(longest, monotonic() - last), monotonic()
    return longest


async def test_output_without_a_pipe_is_a_mistake_of_the_caller() -> None:
    process = await child.spawn(python(""), environment=child.scrubbed_environment(), output=subprocess.DEVNULL)
    with pytest.raises(ValueError, match="without a pipe"):
        await child.log_output(process)
    async with asyncio.timeout(BOUND_S):
        await process.wait()


def test_missing_tools_are_told_with_their_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(MissingToolError, match="apt-get install util-linux"):
        child.dies_with_parent(["true"], signal.SIGKILL)
