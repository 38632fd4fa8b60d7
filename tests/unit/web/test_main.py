"""The process: socket, memory, end."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from fakes.core_api import FakeCore, web_process

#: What the process may keep resident, in MiB.
MAX_RSS_MIB = 60


def test_the_socket_is_the_owners_alone_and_gone_after_sigterm(core: FakeCore, tmp_path: Path) -> None:
    web_socket = tmp_path / "web.sock"
    with core.serving(tmp_path) as api_socket, web_process(web_socket, api_socket) as process:
        assert stat.S_IMODE(web_socket.stat().st_mode) == 0o600
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert not web_socket.exists()


def test_a_socket_that_a_crash_left_behind_is_replaced(core: FakeCore, tmp_path: Path) -> None:
    web_socket = tmp_path / "web.sock"
    with core.serving(tmp_path) as api_socket:
        with web_process(web_socket, api_socket) as process:
            process.kill()
            process.wait(10)
        assert web_socket.exists()
        with web_process(web_socket, api_socket) as process:
            assert process.poll() is None


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux's /proc")
def test_memory_stays_small_while_pages_are_served(core: FakeCore, tmp_path: Path) -> None:
    with core.serving_pages(tmp_path) as process:
        for path in ("/", "/devices", "/home/now", "/nowhere") * 25:
            assert core.fetch(path).status in {200, 404}
        rss_mib = psutil.Process(process.pid).memory_info().rss / 2**20
    print(f"resident after 100 pages: {rss_mib:.1f} MiB")
    assert rss_mib < MAX_RSS_MIB


def test_it_imports_neither_the_core_nor_its_sdk() -> None:
    code = (
        "import sys, aetherlens_web.__main__\n"
        "print([name for name in sys.modules if name.split('.')[0] in {'aetherlens', 'aetherlens_sdk', 'asyncpg'}])"
    )
    environment = {"PATH": os.environ["PATH"]}
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, env=environment)
    assert answer.stdout == "[]\n", answer.stderr
