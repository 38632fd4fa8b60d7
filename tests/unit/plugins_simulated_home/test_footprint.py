"""The plugin in its real process: small, quick and obedient."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import psutil

from aetherlens_sdk.http import post
from unit.plugins_simulated_home.helpers import FOLDER

#: Bound of resident memory after the history is delivered, in bytes.
MEMORY_BOUND = 45 * 1024 * 1024
#: Bound of processor time per poll, in seconds; a poll takes a tenth of it on a desktop.
POLL_BOUND_S = 0.005


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, Path]]:
    socket = folder / "p.sock"
    arguments: list[str | Path] = [
        "--folder",
        FOLDER,
        "--entrypoint",
        "simulated_home_plugin:SimulatedHomePlugin",
        "--socket",
        socket,
    ]
    arguments += ["--state-dir", folder, "--intake-socket", folder / "intake.sock"]
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "aetherlens_sdk.runner", *arguments)
    try:
        async with asyncio.timeout(20):
            while not socket.exists():
                await asyncio.sleep(0.02)
            await asyncio.sleep(0.05)
        yield process, socket
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(20):
            await process.wait()


async def call(socket: Path, path: str, body: Any = None) -> Any:
    async with asyncio.timeout(20):
        answer = await post(socket, path, msgspec.msgpack.encode(body or {}), token="t")
    assert answer.status == 200, answer.body
    return msgspec.msgpack.decode(answer.body)


async def test_it_is_small_and_quick_and_remembers(tmp_path: Path) -> None:
    async with running(tmp_path) as (process, socket):
        await call(socket, "/v1/configure", {"config": {"time_zone": "Europe/Berlin"}})
        watched = psutil.Process(process.pid)
        first_cpu_s = sum(watched.cpu_times()[:2])
        first = await call(socket, "/v1/collect")
        first_cpu_s = sum(watched.cpu_times()[:2]) - first_cpu_s
        while len(await call(socket, "/v1/collect")) > 100:
            pass
        before_s = sum(watched.cpu_times()[:2])
        for _ in range(200):
            await call(socket, "/v1/collect")
        poll_s = (sum(watched.cpu_times()[:2]) - before_s) / 200
        memory = watched.memory_info().rss
        print(f"first {first_cpu_s:.2f} s, poll {poll_s * 1000:.2f} ms, memory {memory / 2**20:.1f} MiB")
        assert len(first) > 5000
        assert poll_s < POLL_BOUND_S
        assert memory < MEMORY_BOUND
    assert process.returncode == os.EX_OK
    assert (tmp_path / "home.json").exists()
