"""One core per state folder, also after it was killed."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from aetherlens.lib.home_lock import HomeInUseError, HomeLock
from unit.lib.helpers import first_line, run_python, wait_until_gone

HOLDER = """
import sys, time
from pathlib import Path
from aetherlens.lib.home_lock import HomeLock
HomeLock(Path(sys.argv[1])).acquire()
print("held", flush=True)
time.sleep(600)
"""


@contextmanager
def another_process_holds(folder: Path) -> Iterator[int]:
    """Yield the process id of a process that holds the lock; it is killed afterwards."""
    with run_python(HOLDER, str(folder)) as holder:
        try:
            assert first_line(holder) == "held"
            yield holder.pid
        finally:
            holder.kill()


def test_a_second_core_is_refused_and_told_who_runs(tmp_path: Path) -> None:
    with another_process_holds(tmp_path) as pid, pytest.raises(HomeInUseError) as caught:
        HomeLock(tmp_path).acquire()
    assert f"process {pid}" in str(caught.value)
    assert str(tmp_path) in str(caught.value)


def test_kill_minus_nine_frees_the_folder(tmp_path: Path) -> None:
    with another_process_holds(tmp_path) as pid:
        pass
    wait_until_gone(pid)
    lock = HomeLock(tmp_path)
    lock.acquire()
    lock.release()


def test_release_gives_it_to_the_next(tmp_path: Path) -> None:
    first, second = HomeLock(tmp_path), HomeLock(tmp_path)
    first.acquire()
    with pytest.raises(HomeInUseError):
        second.acquire()
    first.release()
    second.acquire()
    second.release()
    second.release()


def test_other_folders_are_free(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    with another_process_holds(tmp_path):
        lock = HomeLock(other)
        lock.acquire()
        lock.release()
