"""Runs one plugin as a process: `python -m aetherlens_sdk.runner`. Serves the plugin contract on a Unix socket.

Contract (bodies MessagePack or JSON by content type, answers in the type that was asked with):

    GET  /v1/health      → {status, reason?, devices?, capabilities, configured}
    POST /v1/configure   {config: {…}} → {}
    POST /v1/collect     {} → [Metric, …]
    POST /v1/discover    {} → [Device, …]
    POST /v1/control     {device_id, command, parameters} → {…}
    POST /v1/stop        {} → {}, then the process ends

Errors are {kind, message, field?} with status 422 (bad_configuration), 503 (retriable) or 500 (fatal).
"""

import argparse
import asyncio
import importlib
import logging
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import h11
import msgspec

from aetherlens_sdk.errors import ConfigError, FatalError, PluginError, RetriableError
from aetherlens_sdk.http import JSON, MSGPACK, Request, Response, post, serve
from aetherlens_sdk.metric import Metric
from aetherlens_sdk.plugin import BasePlugin, PluginContext

Body = TypeVar("Body")

log = logging.getLogger("aetherlens_sdk.runner")

#: How long one push to the core may take, in seconds.
PUSH_TIMEOUT_S = 30.0


class Configure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of /v1/configure."""

    config: dict[str, Any]


class Control(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of /v1/control."""

    device_id: str
    command: str
    parameters: dict[str, Any] = {}


class Runner:
    """Serves one plugin class; holds the instance that the last good configuration made."""

    def __init__(self, plugin_class: type[BasePlugin], context: PluginContext) -> None:
        self._plugin_class = plugin_class
        self._context = context
        self._plugin: BasePlugin | None = None
        self._routes = {
            ("GET", "/v1/health"): self._health,
            ("POST", "/v1/configure"): self._configure,
            ("POST", "/v1/collect"): self._collect,
            ("POST", "/v1/discover"): self._discover,
            ("POST", "/v1/control"): self._control,
            ("POST", "/v1/stop"): self._stop,
        }
        #: Set when the core asks the process to end.
        self.stopping = asyncio.Event()

    async def handle(self, request: Request) -> Response:
        """Answer one request of the core; never raises."""
        content_type = MSGPACK if request.headers.get("content-type") == MSGPACK else JSON
        encode = msgspec.msgpack.encode if content_type == MSGPACK else msgspec.json.encode
        try:
            endpoint = self._routes.get((request.method, request.path))
            if endpoint is None:
                return Response(status=404, body=msgspec.json.encode({"message": f"no endpoint {request.path}"}))
            return Response(status=200, content_type=content_type, body=encode(await endpoint(request)))
        except PluginError as error:
            status = {ConfigError.kind: 422, FatalError.kind: 500}.get(error.kind, 503)
            answer: dict[str, Any] = {"kind": error.kind, "message": str(error), "field": error.field}
        except msgspec.MsgspecError as error:
            status, answer = 422, {"kind": RetriableError.kind, "message": str(error)}
        except Exception as error:  # the plugin author's code ends here: any fault of it becomes an answer
            log.exception("plugin_raised path=%s", request.path)
            status, answer = 503, {"kind": RetriableError.kind, "message": f"{type(error).__name__}: {error}"}
        return Response(status=status, content_type=content_type, body=encode(answer))

    async def close(self) -> None:
        """Close the plugin."""
        if self._plugin is not None:
            plugin, self._plugin = self._plugin, None
            await plugin.close()

    def _configured(self) -> BasePlugin:
        if self._plugin is None:
            raise RetriableError("the plugin is not configured yet")
        return self._plugin

    async def _health(self, request: Request) -> Mapping[str, Any]:
        if self._plugin is None:
            return {"status": "ok", "capabilities": [], "configured": False}
        health = msgspec.to_builtins(await self._plugin.get_health())
        return {**health, "capabilities": list(self._plugin.get_capabilities()), "configured": True}

    async def _configure(self, request: Request) -> Mapping[str, Any]:
        config = _decode(request, Configure).config
        self._plugin_class.validate_config(config)
        plugin = self._plugin_class(config, self._context)
        await plugin.start()
        await self.close()
        self._plugin = plugin
        return {}

    async def _collect(self, request: Request) -> Sequence[Metric]:
        return await self._configured().collect_metrics()

    async def _discover(self, request: Request) -> Sequence[Any]:
        return await self._configured().discover_devices()

    async def _control(self, request: Request) -> Mapping[str, Any]:
        order = _decode(request, Control)
        return await self._configured().control_device(order.device_id, order.command, order.parameters)

    async def _stop(self, request: Request) -> Mapping[str, Any]:
        self.stopping.set()
        return {}


def _decode(request: Request, body_type: type[Body]) -> Body:
    if request.headers.get("content-type") == MSGPACK:
        return msgspec.msgpack.decode(request.body, type=body_type)
    return msgspec.json.decode(request.body, type=body_type)


def load_plugin_class(folder: Path, entrypoint: str) -> type[BasePlugin]:
    """Import ``module:Class`` from a plugin's folder. Raises ConfigError when there is no such plugin class."""
    module_name, _, class_name = entrypoint.partition(":")
    sys.path.insert(0, str(folder))
    plugin_class = getattr(importlib.import_module(module_name), class_name, None)
    if not (isinstance(plugin_class, type) and issubclass(plugin_class, BasePlugin)):
        raise ConfigError(
            f"{folder / module_name}.py has no BasePlugin named {class_name!r}", field="runtime.entrypoint"
        )
    return plugin_class


def _pusher(intake_socket: Path, token: str) -> Any:
    async def push(metrics: Sequence[Metric]) -> None:
        try:
            async with asyncio.timeout(PUSH_TIMEOUT_S):
                answer = await post(intake_socket, "/v1/metrics", msgspec.msgpack.encode(metrics), token=token)
        except (OSError, TimeoutError, h11.ProtocolError) as error:
            raise RetriableError(f"the core did not take {len(metrics)} metrics: {error!r}") from error
        if answer.status != 200:
            raise RetriableError(
                f"the core refused {len(metrics)} metrics: {answer.body[:500].decode(errors='replace')}"
            )

    return push


async def run(plugin_class: type[BasePlugin], context: PluginContext, socket: Path) -> None:
    """Serve the plugin on `socket` until the core says stop or SIGTERM arrives."""
    runner = Runner(plugin_class, context)
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, runner.stopping.set)
    server = await serve(socket, runner.handle)
    await runner.stopping.wait()
    server.close()
    await runner.close()


def main() -> None:
    """Start the process; the core sets the arguments and the environment."""
    parser = argparse.ArgumentParser(prog="aetherlens_sdk.runner", description="Run one AetherLens plugin.")
    parser.add_argument("--folder", type=Path, required=True, help="the plugin's folder")
    parser.add_argument("--entrypoint", required=True, help="module:Class inside the folder")
    parser.add_argument("--socket", type=Path, required=True, help="Unix socket to serve the contract on")
    parser.add_argument("--state-dir", type=Path, required=True, help="folder the plugin may write to")
    parser.add_argument("--intake-socket", type=Path, required=True, help="the core's socket for pushed metrics")
    arguments = parser.parse_args()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    token = os.environ.pop("AETHERLENS_PLUGIN_TOKEN", "")
    context = PluginContext(state_dir=arguments.state_dir, push=_pusher(arguments.intake_socket, token))
    asyncio.run(run(load_plugin_class(arguments.folder, arguments.entrypoint), context, arguments.socket))


if __name__ == "__main__":
    main()
