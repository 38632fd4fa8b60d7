"""A fleet of Shelly devices as real HTTP servers on loopback, which can be made to misbehave.

Each device serves one recording: a JSON file with ``shelly`` (the answer of GET /shelly), ``status`` and ``settings``
(Gen1) or ``config`` (Gen2+). Gen1 asks for HTTP Basic; Gen2+ for a SHA-256 digest, which is verified as RFC 7616 says.
"""

import asyncio
import base64
import copy
import hashlib
import json
import re
import secrets
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import pytest
from aiohttp import web

from aetherlens_sdk import BasePlugin, Metric

_REPOSITORY = Path(__file__).resolve().parents[2]
#: Recorded answers of real devices; they live beside the repository and not everywhere.
DUMPS = _REPOSITORY.parent / "shared" / "device-dumps" / "shelly"
#: Small recordings of the project's own.
OWN = _REPOSITORY / "tests" / "data" / "shelly"

Fault = Literal["slow", "reset", "garbage", "huge", "cut"]

_COVER_STATES = {"open": "opening", "close": "closing", "stop": "stopped"}


def dump(name: str) -> dict[str, Any]:
    """Return a real device's recording; skip the test where it is absent."""
    path = DUMPS / f"{name}.json"
    if not path.exists():
        pytest.skip(f"the device dump {path.name} is not here")
    recording: dict[str, Any] = json.loads(path.read_bytes())
    return recording


def own(name: str) -> dict[str, Any]:
    """Return a recording of the project's own."""
    recording: dict[str, Any] = json.loads((OWN / f"{name}.json").read_bytes())
    return recording


class FakeShelly:
    """One device. Use as an asynchronous context manager; `address` is where it listens."""

    def __init__(self, recording: dict[str, Any], *, mac: str | None = None, password: str | None = None) -> None:
        recording = copy.deepcopy(recording)
        self.info: dict[str, Any] = recording["shelly"]
        self.status: dict[str, Any] = recording["status"]
        self.config: dict[str, Any] = recording.get("config") or recording.get("settings") or {}
        self.username = "admin"
        self.password = password
        #: How it misbehaves; None is well.
        self.fault: Fault | None = None
        #: Whether its outputs obey.
        self.obeys = True
        #: Paths that were asked for, in order, without those that were refused for want of a password.
        self.requests: list[str] = []
        #: Times that a password or digest was wrong (not merely missing).
        self.refusals = 0
        #: Set when a request has arrived while the device is slow; it answers once `hurry` is set.
        self.waiting = asyncio.Event()
        self.hurry = asyncio.Event()
        self._port = 0
        self._runner: web.AppRunner | None = None
        self._nonces: dict[str, int] = {}
        if mac is not None:
            self._rename(mac)

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self._port}"

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._port

    @property
    def generation(self) -> int:
        """1, or what it says of itself."""
        return int(self.info.get("gen", 1))

    async def __aenter__(self) -> Self:
        await self.come_home()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.go_away()

    async def come_home(self) -> None:
        """Listen, at the port of before if there was one."""
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def go_away(self) -> None:
        """Close the port and all connections."""
        self.hurry.set()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def forget_nonces(self) -> None:
        """As after a restart: digests with old nonces are stale."""
        self._nonces.clear()

    def _rename(self, mac: str) -> None:
        self.info["mac"] = mac
        if self.generation == 1:
            self.status["mac"] = mac
        else:
            self.status["sys"]["mac"] = mac

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if self.fault == "slow":
            self.waiting.set()
            await self.hurry.wait()
        elif self.fault == "reset":
            _reset(request)
            return web.Response()
        elif self.fault == "garbage":
            return web.Response(body=b'<html>{"power": \xff', content_type="text/html")
        elif self.fault == "huge":
            return web.Response(body=b'{"filler": "' + b"x" * 2_000_000 + b'"}', content_type="application/json")
        elif self.fault == "cut":
            return await _cut(request)
        refused = self._refusal(request)
        if refused is not None:
            return refused
        self.requests.append(request.path)
        answer = self._answer(request)
        if answer is None:
            return web.json_response({"code": -114, "message": f"No handler for {request.path}"}, status=404)
        return web.json_response(answer)

    def _answer(self, request: web.Request) -> Any:
        if request.path == "/shelly":
            return self.info
        if self.generation == 1:
            return self._answer_gen1(request)
        return self._answer_gen2(request)

    def _answer_gen1(self, request: web.Request) -> Any:
        if request.path in {"/status", "/settings"}:
            return self.status if request.path == "/status" else self.config
        match = re.fullmatch(r"/(relay|light|color|white|roller)/(\d+)", request.path)
        if match is None:
            return None
        key = {"relay": "relays", "roller": "rollers"}.get(match[1], "lights")
        output = self.status[key][int(match[2])]
        if self.obeys and "turn" in request.query:
            output["ison"] = request.query["turn"] == "on"
        if self.obeys and "go" in request.query:
            output["state"] = request.query["go"]
        return output

    def _answer_gen2(self, request: web.Request) -> Any:
        method = request.path.removeprefix("/rpc/")
        if method in {"Shelly.GetStatus", "Shelly.GetConfig"}:
            return self.status if method == "Shelly.GetStatus" else self.config
        component, _, verb = method.partition(".")
        output = self.status.get(f"{component.lower()}:{request.query.get('id')}")
        if output is None:
            return None
        if verb == "Set":
            was_on = output["output"]
            if self.obeys:
                output["output"] = request.query["on"] == "true"
            return {"was_on": was_on}
        if verb.lower() in _COVER_STATES:
            output["state"] = _COVER_STATES[verb.lower()]
            return {}
        return output if verb == "GetStatus" else None

    def _refusal(self, request: web.Request) -> web.Response | None:
        """Return the 401 for a request that is not signed in, None for one that may pass."""
        if self.password is None or request.path == "/shelly":
            return None
        given = request.headers.get("Authorization")
        passes = self._basic_passes if self.generation == 1 else self._digest_passes
        if given is not None and passes(request, given):
            return None
        self.refusals += given is not None
        return web.Response(status=401, headers={"WWW-Authenticate": self._challenge()})

    def _challenge(self) -> str:
        if self.generation == 1:
            return 'Basic realm="shelly"'
        nonce = secrets.token_hex(8)
        self._nonces[nonce] = 0
        return f'Digest qop="auth", realm="{self.info["id"]}", nonce="{nonce}", algorithm=SHA-256'

    def _basic_passes(self, request: web.Request, given: str) -> bool:
        expected = base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
        return given == f"Basic {expected}"

    def _digest_passes(self, request: web.Request, given: str) -> bool:
        """Verify the response as RFC 7616, section 3.4, computes it, and that no nonce count comes twice."""
        fields = {key: quoted or bare for key, quoted, bare in re.findall(r'(\w+)=(?:"([^"]*)"|([^\s,]+))', given)}
        nonce, count = fields.get("nonce", ""), int(fields.get("nc", "0"), 16)
        if count <= self._nonces.get(nonce, count):
            return False
        wanted = {"username": "admin", "realm": self.info["id"], "qop": "auth", "uri": request.raw_path}
        if any(fields.get(key) != value for key, value in wanted.items()) or fields.get("algorithm") != "SHA-256":
            return False
        secret = _sha256(f"admin:{self.info['id']}:{self.password}")
        action = _sha256(f"{request.method}:{request.raw_path}")
        response = _sha256(f"{secret}:{nonce}:{fields['nc']}:{fields['cnonce']}:auth:{action}")
        if not secrets.compare_digest(response, fields.get("response", "")):
            return False
        self._nonces[nonce] = count
        return True


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _reset(request: web.Request) -> None:
    """Break the connection without an answer."""
    assert request.transport is not None
    request.transport.abort()


async def _cut(request: web.Request) -> web.StreamResponse:
    """Promise more than is sent."""
    response = web.StreamResponse(headers={"Content-Length": "1000", "Content-Type": "application/json"})
    await response.prepare(request)
    await response.write(b'{"mac": ')
    _reset(request)
    return response


def without(status: dict[str, Any], *paths: str) -> None:
    """Remove fields from a status, as an older firmware lacks them; a path is dotted, ``meters.0.total``."""
    for path in paths:
        *parents, last = path.split(".")
        place: Any = status
        for key in parents:
            place = place[int(key)] if isinstance(place, list) else place[key]
        del place[last]


def table(metrics: Sequence[Metric]) -> dict[str, dict[str, tuple[float, str | None]]]:
    """Return metrics as device id → metric type → value and unit; a reading that comes twice is an error."""
    result: dict[str, dict[str, tuple[float, str | None]]] = {}
    for metric in metrics:
        row = result.setdefault(metric.device_id, {})
        assert metric.metric_type not in row, f"{metric.device_id} has {metric.metric_type} twice"
        row[metric.metric_type] = (metric.value, metric.unit)
    return result


#: Makes a device that listens: `await make(recording, password="…")`.
MakeFake = Callable[..., Awaitable[FakeShelly]]
#: Starts the plugin with devices listed: `await start(device, …, timeout_seconds=1)`.
StartPlugin = Callable[..., Awaitable[BasePlugin]]
