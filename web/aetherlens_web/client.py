"""A small HTTP client for the core's API on its Unix socket. Every call has a time-out and a size limit."""

import http.client
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlencode

import msgspec

Answer = TypeVar("Answer")

#: How long one call may take from connecting to the last byte, in seconds.
CALL_TIMEOUT_S = 5.0
#: The largest answer that is read, in bytes; a day of 5-minute points is about 30 kB.
MAX_ANSWER_BYTES = 4 * 1024 * 1024


class CoreError(Exception):
    """The core could not be asked."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or type(self).__doc__)


class CoreUnreachableError(CoreError):
    """The core does not answer."""


class BadAnswerError(CoreError):
    """The core answered with something this version of the pages does not understand."""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Problem details, RFC 9457, with the core's own fields."""

    title: str = "Error"
    detail: str | None = None
    #: The field of the request that is at fault.
    field: str | None = None
    #: What to do about it.
    hint: str | None = None


class ApiError(CoreError):
    """The core refused a request and said why."""

    def __init__(self, status: int, problem: Problem) -> None:
        super().__init__(problem.detail or problem.title)
        self.status = status
        self.problem = problem


class RawAnswer(NamedTuple):
    """Status and body of an answer, read in full."""

    status: int
    body: bytes


class _UnixConnection(http.client.HTTPConnection):
    """HTTP to a Unix socket; the host name is only what stands in the Host header."""

    def __init__(self, path: Path, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class CoreClient:
    """Calls the core, each time with `headers`; holds no connection, so it is cheap to make and safe to share."""

    def __init__(
        self, socket_path: Path, headers: Mapping[str, str] | None = None, *, timeout_s: float = CALL_TIMEOUT_S
    ) -> None:
        self._socket_path = socket_path
        self._headers = dict(headers or {})
        self._timeout_s = timeout_s

    def get(self, path: str, answer_type: type[Answer], query: Mapping[str, str] | None = None) -> Answer:
        """Fetch and decode one resource. Raises CoreError."""
        return self._call("GET", path + ("?" + urlencode(query) if query else ""), answer_type)

    def patch(self, path: str, answer_type: type[Answer], changes: Mapping[str, Any]) -> Answer:
        """Change one resource and decode its new state. Raises CoreError."""
        return self._call("PATCH", path, answer_type, msgspec.json.encode(changes))

    def _call(self, method: str, target: str, answer_type: type[Answer], body: bytes | None = None) -> Answer:
        answer = self._exchange(method, target, body)
        if answer.status >= 400:
            raise ApiError(answer.status, _problem_of(answer))
        try:
            return msgspec.json.decode(answer.body, type=answer_type)
        except msgspec.MsgspecError as error:
            raise BadAnswerError(f"{method} {target.partition('?')[0]}: {error}") from error

    def _exchange(self, method: str, target: str, body: bytes | None) -> RawAnswer:
        headers = {**self._headers, "Accept": "application/json", "Connection": "close"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        deadline = time.monotonic() + self._timeout_s
        connection = _UnixConnection(self._socket_path, self._timeout_s)
        try:
            connection.request(method, target, body=body, headers=headers)
            response = connection.getresponse()
            return RawAnswer(response.status, _read(response, deadline))
        except (OSError, http.client.HTTPException) as error:
            raise CoreUnreachableError(
                f"{method} {target.partition('?')[0]}: {type(error).__name__}: {error}"
            ) from error
        finally:
            connection.close()


def _read(response: http.client.HTTPResponse, deadline: float) -> bytes:
    parts: list[bytes] = []
    size = 0
    while part := response.read1(65536):
        parts.append(part)
        size += len(part)
        if size > MAX_ANSWER_BYTES:
            raise BadAnswerError(f"the answer is larger than {MAX_ANSWER_BYTES} bytes")
        if time.monotonic() > deadline:
            raise TimeoutError("the answer takes too long")
    return b"".join(parts)


def _problem_of(answer: RawAnswer) -> Problem:
    try:
        return msgspec.json.decode(answer.body, type=Problem)
    except msgspec.MsgspecError:
        return Problem(title=http.client.responses.get(answer.status, "Error"))
