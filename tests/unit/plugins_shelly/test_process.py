"""The plugin in its own process, started as the core starts it, within its memory."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest

from aetherlens_sdk.http import post
from fakes.shelly import MakeFake, own

BOUND_S = 30
#: Below the 50 MB that a plugin may use on the reference system.
MAX_RSS_BYTES = 45_000_000


async def call(sock: Path, path: str, body: Any = None) -> Any:
    async with asyncio.timeout(BOUND_S):
        answer = await post(sock, path, msgspec.msgpack.encode(body or {}), token="token")
    decoded = msgspec.msgpack.decode(answer.body)
    assert answer.status == 200, decoded
    return decoded


async def listens(sock: Path) -> bool:
    try:
        _, writer = await asyncio.open_unix_connection(sock)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


@asynccontextmanager
async def process(folder: Path, state: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, Path]]:
    """Run the plugin; yields once its socket takes connections."""
    sock = state / "plugin.sock"
    runner = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "aetherlens_sdk.runner"),
        *("--folder", str(folder), "--entrypoint", "shelly_plugin:ShellyPlugin", "--socket", str(sock)),
        *("--state-dir", str(state), "--intake-socket", str(state / "intake.sock")),
        env={**os.environ, "AETHERLENS_PLUGIN_TOKEN": "token"},
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(BOUND_S):
            # Another process's socket announces itself to nobody: to ask again, within a bound, is the only way.
            while runner.returncode is None and not await listens(sock):
                await asyncio.sleep(0.02)
        yield runner, sock
    finally:
        if runner.returncode is None:
            runner.kill()
        await runner.wait()


@pytest.mark.parametrize("discover", [False, True], ids=["listed", "discovering"])
async def test_runs_within_its_memory(discover: bool, plugin_folder: Path, tmp_path: Path, fake: MakeFake) -> None:
    devices = [await fake(own("gen2-pro-em"), mac=f"C0FFEE0002{place:02X}", password="secret") for place in range(10)]
    config = {
        "devices": [{"host": device.address} for device in devices],
        "password": "secret",
        "discover": discover,
        "interfaces": ["127.0.0.1"] if discover else [],
        "timeout_seconds": 10,
    }
    async with process(plugin_folder, tmp_path) as (runner, sock):
        await call(sock, "/v1/configure", {"config": config})
        for _ in range(5):
            assert len(await call(sock, "/v1/collect")) == 10 * 18
        # A discovery waits for a whole scan, so that its memory is counted.
        assert len(await call(sock, "/v1/discover")) == 10 * 4
        rss = psutil.Process(runner.pid).memory_info().rss
        assert (await call(sock, "/v1/control", switch_off("shelly-c0ffee000200-switch0"))) == {"state": "off"}
        await call(sock, "/v1/stop")
        async with asyncio.timeout(BOUND_S):
            assert await runner.wait() == 0
    assert rss <= MAX_RSS_BYTES, f"{rss / 1e6:.1f} MB"


def switch_off(device_id: str) -> dict[str, Any]:
    return {"device_id": device_id, "command": "turn_off", "parameters": {}}
