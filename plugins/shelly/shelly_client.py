"""HTTP to one device: authentication, time-outs, a bound on the answer's size, and errors that say what happened.

Source: Gen1 authenticates with HTTP Basic (https://shelly-api-docs.shelly.cloud/gen1/#http-server), Gen2+ with the
SHA-256 digest of RFC 7616 (https://shelly-api-docs.shelly.cloud/gen2/General/Authentication), whose user is always
``admin``.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from shelly_errors import (
    AuthenticationRefusedError,
    BadAnswerError,
    ConnectionLostError,
    ConnectionRefusedByDeviceError,
    DeviceError,
    TimedOutError,
    UnreachableError,
)
from shelly_fields import section
from shelly_model import Request

#: Largest answer that is read, in bytes. A full status of the largest device has about 20,000.
MAX_ANSWER_BYTES = 256 * 1024
#: Requests at one device at the same time; small devices serve only a few connections.
CONNECTIONS_PER_DEVICE = 2
#: How long an idle connection is kept, in seconds: longer than the usual poll interval, so that polls reuse it.
KEEP_ALIVE_S = 75.0

DIGEST_USER = "admin"


@dataclass(frozen=True, kw_only=True, slots=True)
class Credentials:
    """How to sign in to one device."""

    username: str = DIGEST_USER
    password: str | None = field(default=None, repr=False)
    #: Whether the password may go out as HTTP Basic, which shows it to whoever answers at the address.
    basic_allowed: bool = True


def open_session() -> aiohttp.ClientSession:
    """Return the session that all devices share. To be closed by the caller."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit_per_host=CONNECTIONS_PER_DEVICE, keepalive_timeout=KEEP_ALIVE_S),
        cookie_jar=aiohttp.DummyCookieJar(),
        # An answer is bounded by the bytes on the wire; a compressed one could be bounded only after it was unpacked.
        headers={"Accept-Encoding": "identity"},
        auto_decompress=False,
    )


class Client:
    """Sends requests to the device at one address."""

    def __init__(
        self, session: aiohttp.ClientSession, address: str, credentials: Credentials, *, timeout_s: float
    ) -> None:
        self.address = address
        self.timeout_s = timeout_s
        self._session = session
        self._credentials = credentials
        password = credentials.password
        self._digest = None if password is None else aiohttp.DigestAuthMiddleware(DIGEST_USER, password)

    async def get_open(self, request: Request) -> Mapping[str, Any]:
        """Send a request that needs no password and return the answer's object. Raises DeviceError."""
        return await self._get(request, {}, ())

    async def get(self, request: Request, *, generation: int) -> Mapping[str, Any]:
        """Send a request, signed in as the generation does it, and return the answer's object. Raises DeviceError."""
        if generation == 1:
            return await self._get(request, self._basic_header(), ())
        return await self._get(request, {}, (self._digest,) if self._digest else ())

    def _basic_header(self) -> dict[str, str]:
        credentials = self._credentials
        if credentials.password is None or not credentials.basic_allowed:
            return {}
        token = base64.b64encode(f"{credentials.username}:{credentials.password}".encode()).decode("ascii")
        return {"Authorization": f"Basic {token}"}

    async def _get(
        self, request: Request, headers: Mapping[str, str], middlewares: tuple[aiohttp.DigestAuthMiddleware, ...]
    ) -> Mapping[str, Any]:
        try:
            async with self._session.get(
                f"http://{self.address}{request.path}",
                params=request.query,
                headers=headers,
                middlewares=middlewares,
                # A device has no reason to send anyone, and a password, elsewhere.
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=self.timeout_s),
            ) as response:
                body = await _read(response)
                return self._object(response.status, body)
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise _device_error(error) from error

    def _object(self, status: int, body: bytes) -> Mapping[str, Any]:
        if status == 401:
            raise AuthenticationRefusedError(self._why_refused())
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise BadAnswerError(f"gave an answer (status {status}) that is no JSON") from error
        if status != 200:
            message = section(answer).get("message")
            raise BadAnswerError(f"answered with status {status}" + (f": {str(message)[:200]}" if message else ""))
        if not isinstance(answer, dict):
            raise BadAnswerError("gave an answer that is no JSON object")
        return answer

    def _why_refused(self) -> str:
        if self._credentials.password is None:
            return "asks for a password and none is configured (authentication refused)"
        if not self._credentials.basic_allowed:
            return (
                "is of the first generation, which would show the password to the network: "
                "list it under devices to allow that (authentication refused)"
            )
        return "refused the password (authentication refused)"


async def _read(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise BadAnswerError(f"gave an answer of more than {MAX_ANSWER_BYTES // 1024} KiB")
    return bytes(body)


def _device_error(error: BaseException) -> DeviceError:
    """Name what went wrong on the wire. TimeoutError is first because aiohttp's are both it and a ClientError."""
    if isinstance(error, TimeoutError):
        return TimedOutError()
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return UnreachableError("has a name that is not known on this network")
    if isinstance(error, aiohttp.ClientConnectorError):
        if isinstance(error.os_error, ConnectionRefusedError):
            return ConnectionRefusedByDeviceError()
        return UnreachableError(f"cannot be reached: {error.os_error.strerror or error.os_error}")
    if isinstance(error, aiohttp.ServerDisconnectedError | aiohttp.ClientPayloadError | OSError):
        return ConnectionLostError()
    return BadAnswerError(f"does not speak proper HTTP ({type(error).__name__})")
