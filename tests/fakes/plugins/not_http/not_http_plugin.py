"""Answers polls with bytes that are no HTTP."""

import asyncio
from collections.abc import Sequence

import h11

from aetherlens_sdk import BasePlugin, Metric, http

_write = http._write


async def _garble(
    connection: h11.Connection, writer: asyncio.StreamWriter, head: h11.Request | h11.Response, body: bytes
) -> None:
    if b"not_http" in body:
        writer.write(b"\x00\xff this is no HTTP\r\n\r\n")
        await writer.drain()
        raise ConnectionResetError
    await _write(connection, writer, head, body)


http._write = _garble


class NotHttpPlugin(BasePlugin):
    """Its metrics are garbled on their way."""

    async def collect_metrics(self) -> Sequence[Metric]:
        return [Metric(device_id="not_http", metric_type="power", value=1.0)]
