"""The plugin contract, from the core's side: HTTP over the plugin's Unix socket."""

import asyncio
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import msgspec

from aetherlens.plugins.errors import BadAnswerError, BadConfigurationError, FatalFailureError, PluginFailure
from aetherlens_sdk import Device

MSGPACK = "application/msgpack"

#: Largest answer that is read, in bytes.
MAX_ANSWER_BYTES = 16 * 1024 * 1024
#: As much is kept of what a plugin says is wrong.
MAX_REASON_CHARACTERS = 500
#: Devices at most of which a plugin is heard to say that they are away.
MAX_DEVICES_AWAY = 1000

Answer = TypeVar("Answer")

_FAILURES = {"bad_configuration": BadConfigurationError, "fatal": FatalFailureError, "retriable": PluginFailure}


class _ErrorAnswer(msgspec.Struct):
    kind: str = "retriable"
    message: str = ""
    field: str | None = None


class HealthAnswer(msgspec.Struct, frozen=True):
    """How a plugin judges its own work."""

    status: str = "ok"
    reason: str | None = None
    devices: dict[str, str] = {}
    capabilities: list[str] = []
    configured: bool = False


class PluginClient:
    """Calls one plugin. Every call is bounded in time and size and raises PluginFailure or one of its kinds."""

    def __init__(self, socket: Path, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._session = aiohttp.ClientSession(
            "http://plugin",
            connector=aiohttp.UnixConnector(str(socket), limit=4),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    async def health(self, timeout_s: float) -> HealthAnswer:
        """Ask how it goes."""
        _, body = await self._call("GET", "/v1/health", None, timeout_s)
        answer = _decode(body, HealthAnswer)
        return msgspec.structs.replace(
            answer,
            reason=answer.reason and answer.reason[:MAX_REASON_CHARACTERS],
            devices={
                name[:MAX_REASON_CHARACTERS]: reason[:MAX_REASON_CHARACTERS]
                for name, reason in islice(answer.devices.items(), MAX_DEVICES_AWAY)
            },
        )

    async def configure(self, config: dict[str, Any]) -> None:
        """Put a configuration in force. Raises BadConfigurationError when the plugin refuses it."""
        await self._call("POST", "/v1/configure", {"config": config}, self._timeout_s)

    async def collect(self) -> tuple[str, bytes]:
        """Poll: return the content type and the undecoded batch."""
        return await self._call("POST", "/v1/collect", {}, self._timeout_s)

    async def discover(self) -> list[Device]:
        """Ask for the devices the plugin knows or finds."""
        _, body = await self._call("POST", "/v1/discover", {}, self._timeout_s)
        return _decode(body, list[Device])

    async def control(self, device_id: str, command: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """Have a device do something and return its state afterwards."""
        order = {"device_id": device_id, "command": command, "parameters": parameters}
        _, body = await self._call("POST", "/v1/control", order, self._timeout_s)
        return _decode(body, dict[str, Any])

    async def _call(self, method: str, path: str, body: Any, timeout_s: float) -> tuple[str, bytes]:
        data = None if body is None else msgspec.msgpack.encode(body)
        try:
            async with (
                asyncio.timeout(timeout_s),
                self._session.request(
                    method, path, data=data, headers={"content-type": MSGPACK}, allow_redirects=False
                ) as answer,
            ):
                content = await _read(answer)
        except TimeoutError as error:
            raise PluginFailure(f"no answer to {path} within {timeout_s:g} s") from error
        except (aiohttp.ClientConnectionError, OSError) as error:
            raise PluginFailure(f"the plugin does not answer {path}: {error}") from error
        except aiohttp.ClientError as error:
            raise BadAnswerError(f"the answer to {path} is not HTTP: {error}") from error
        if answer.status != 200:
            raise _failure(answer, content)
        return answer.content_type, content


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in answer.content.iter_any():
        size += len(chunk)
        if size > MAX_ANSWER_BYTES:
            answer.close()
            raise BadAnswerError(f"the answer is larger than {MAX_ANSWER_BYTES} bytes")
        chunks.append(chunk)
    return b"".join(chunks)


def _decode(body: bytes, answer_type: type[Answer]) -> Answer:
    try:
        return msgspec.msgpack.decode(body, type=answer_type)
    except (ValueError, RecursionError) as error:  # msgspec's errors and those of bad UTF-8 are ValueErrors
        raise BadAnswerError(f"the answer is not what the contract says: {error}") from error


def _failure(answer: aiohttp.ClientResponse, body: bytes) -> PluginFailure:
    decode = msgspec.msgpack.decode if answer.content_type == MSGPACK else msgspec.json.decode
    try:
        error = decode(body, type=_ErrorAnswer)
    except (ValueError, RecursionError):
        return BadAnswerError(f"status {answer.status} without a reason")
    place = f"{error.field}: " if error.field else ""
    return _FAILURES.get(error.kind, PluginFailure)(f"{place}{error.message}"[:MAX_REASON_CHARACTERS])
