"""The front door's port: free, or held by AetherLens itself."""

import errno
import socket
from typing import Any

import aiohttp

from aetherlens.cli.checks.finding import Finding
from aetherlens.cli.setup import Setup

ANSWER_TIMEOUT_S = 5.0


async def check(setup: Setup) -> list[Finding]:
    """Try to open the port; where it is taken, ask who is there."""
    host, port = setup.settings.server.host_and_port()
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            hint = "choose another address in server.bind_addr"
            return [Finding("fail", "port", f"{address} cannot be opened: {error.strerror}", hint)]
        return [_judge(address, await _health(f"http://{address}/health"))]
    return [Finding("ok", "port", f"{address} is free" if port else "any free one is taken")]


async def _health(url: str) -> dict[str, Any] | None:
    """Return what AetherLens says of itself; None when somebody else or nobody answers."""
    timeout = aiohttp.ClientTimeout(total=ANSWER_TIMEOUT_S)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as client, client.get(url) as answer:
            body = await answer.json()
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return None
    return body if isinstance(body, dict) and "plugins" in body and "status" in body else None


def _judge(address: str, health: dict[str, Any] | None) -> Finding:
    if health is None:
        hint = "stop it, or choose another port in server.bind_addr"
        return Finding("fail", "port", f"{address} is held by another program", hint)
    good = health["status"] == "ok"
    told = f"AetherLens {health.get('version')} answers at {address}, status {health['status']}"
    return Finding("ok" if good else "warn", "port", told, "" if good else f"http://{address}/health says why")
