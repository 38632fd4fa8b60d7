"""Pushes with a wrong token, pushes garbage, and reports what it was answered."""

import asyncio
import inspect
from collections.abc import Sequence
from pathlib import Path

import msgspec

from aetherlens_sdk import BasePlugin, Metric, http

INTAKE = Path("intake.sock")


class ImpostorPlugin(BasePlugin):
    """Tries every door."""

    async def collect_metrics(self) -> Sequence[Metric]:
        own: str = inspect.getclosurevars(self.context.push).nonlocals["token"]
        good = msgspec.msgpack.encode([Metric(device_id="impostor", metric_type="pushed", value=1.0)])
        attempts = {
            "wrong_token": ("guess", good),
            "garbage": (own, b"\x91\x81\xa9device_id\xa1\xff"),
            "too_large": (own, bytes(17 * 1024 * 1024)),
            "all_bad": (own, msgspec.msgpack.encode([Metric(device_id="a b", metric_type="x", value=1.0)])),
            "good": (own, good),
        }
        answers = {name: await self._push(*attempt) for name, attempt in attempts.items()}
        answers["no_token"] = await self._raw(b"")
        answers["odd_token"] = await self._raw(b"Authorization: Bearer \xff\xfe\r\n")
        return [Metric(device_id="impostor", metric_type=name, value=status) for name, status in answers.items()]

    async def _push(self, token: str, body: bytes) -> float:
        try:
            return float((await http.post(INTAKE, "/v1/metrics", body, token=token)).status)
        except OSError:
            return 0.0

    async def _raw(self, header: bytes) -> float:
        reader, writer = await asyncio.open_unix_connection(INTAKE)
        writer.write(b"POST /v1/metrics HTTP/1.1\r\nHost: core\r\n" + header + b"Content-Length: 0\r\n\r\n")
        status = (await reader.readline()).split()[1]
        writer.close()
        return float(status)
