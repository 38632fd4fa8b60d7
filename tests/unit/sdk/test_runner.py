"""The runner serves the plugin contract over a real Unix socket."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from aetherlens_sdk import BasePlugin, ConfigError, FatalError, Metric, PluginContext
from aetherlens_sdk.http import JSON, MSGPACK, Response, post, serve
from aetherlens_sdk.runner import Runner


class Thermometer(BasePlugin):
    """Answers what its configuration tells it to."""

    @classmethod
    def validate_config(cls, config: Mapping[str, Any]) -> None:
        if "degrees" not in config:
            raise ConfigError("degrees is missing", field="degrees")

    async def collect_metrics(self) -> Sequence[Metric]:
        if self.config["degrees"] == "broken":
            raise FatalError("the sensor burnt")
        return [Metric(device_id="t1", metric_type="temperature", value=float(self.config["degrees"]))]


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[Path]:
    runner = Runner(Thermometer, PluginContext(state_dir=folder))
    server = await serve(folder / "plugin.sock", runner.handle)
    try:
        yield folder / "plugin.sock"
    finally:
        server.close()
        await runner.close()


async def call(socket: Path, path: str, body: Any = None, content_type: str = MSGPACK) -> tuple[int, Any]:
    encode = msgspec.msgpack.encode if content_type == MSGPACK else msgspec.json.encode
    decode = msgspec.msgpack.decode if content_type == MSGPACK else msgspec.json.decode
    async with asyncio.timeout(5):
        answer = await post(socket, path, encode(body or {}), token="t", content_type=content_type)
    return answer.status, decode(answer.body)


@pytest.mark.parametrize("content_type", [MSGPACK, JSON])
async def test_collects_after_it_was_configured(tmp_path: Path, content_type: str) -> None:
    async with serving(tmp_path) as socket:
        assert await call(socket, "/v1/configure", {"config": {"degrees": 21.5}}, content_type) == (200, {})
        status, metrics = await call(socket, "/v1/collect", None, content_type)
    assert status == 200
    assert metrics == [{"device_id": "t1", "metric_type": "temperature", "value": 21.5}]


async def test_collecting_before_configuring_is_a_retriable_error(tmp_path: Path) -> None:
    async with serving(tmp_path) as socket:
        status, error = await call(socket, "/v1/collect")
    assert (status, error["kind"]) == (503, "retriable")


async def test_a_bad_configuration_names_the_field_and_leaves_the_old_one_in_force(tmp_path: Path) -> None:
    async with serving(tmp_path) as socket:
        await call(socket, "/v1/configure", {"config": {"degrees": 1}})
        status, error = await call(socket, "/v1/configure", {"config": {}})
        assert (status, error["kind"], error["field"]) == (422, "bad_configuration", "degrees")
        assert (await call(socket, "/v1/collect"))[1][0]["value"] == 1.0


async def test_a_fatal_error_says_so(tmp_path: Path) -> None:
    async with serving(tmp_path) as socket:
        await call(socket, "/v1/configure", {"config": {"degrees": "broken"}})
        assert (await call(socket, "/v1/collect"))[0] == 500


async def test_garbage_on_the_socket_costs_only_its_own_connection(tmp_path: Path) -> None:
    async with serving(tmp_path) as socket:
        reader, writer = await asyncio.open_unix_connection(socket)
        writer.write(b"\x00\xff not http\r\n\r\n")
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        writer.close()
        assert (await call(socket, "/v1/configure", {"config": {"degrees": 1}}))[0] == 200


async def test_an_undecodable_body_is_answered(tmp_path: Path) -> None:
    async with serving(tmp_path) as socket:
        async with asyncio.timeout(5):
            answer: Response = await post(socket, "/v1/configure", b"\xc1", token="t")
    assert answer.status == 422
