"""HTTP/1.1 over Unix sockets, as little as the plugin contract needs. h11 does the protocol; this moves the bytes.

A full HTTP framework would double the memory of an idle plugin.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import h11
import msgspec

#: Largest body that either side takes, in bytes.
MAX_BODY_BYTES = 32 * 1024 * 1024

JSON = "application/json"
MSGPACK = "application/msgpack"


class BodyTooLargeError(Exception):
    """The body is larger than MAX_BODY_BYTES."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One request, whole."""

    method: str
    path: str
    #: Header names in lower case.
    headers: dict[str, str]
    body: bytes


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """One response, whole."""

    status: int
    content_type: str = JSON
    body: bytes = b""


Handler = Callable[[Request], Awaitable[Response]]


async def _next_event(connection: h11.Connection, reader: asyncio.StreamReader) -> h11.Event | type[h11.PAUSED]:
    """Return the peer's next event, reading from the socket as long as h11 asks for more."""
    while True:
        event = connection.next_event()
        if event is not h11.NEED_DATA:
            return event  # type: ignore[return-value]
        connection.receive_data(await reader.read(256 * 1024))


async def _read_body(connection: h11.Connection, reader: asyncio.StreamReader) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        event = await _next_event(connection, reader)
        if isinstance(event, h11.Data):
            size += len(event.data)
            if size > MAX_BODY_BYTES:
                raise BodyTooLargeError
            chunks.append(bytes(event.data))
        elif isinstance(event, h11.EndOfMessage):
            return b"".join(chunks)
        else:
            raise ConnectionResetError("the peer closed in the middle of a message")


def _headers(event: h11.Request | h11.Response) -> dict[str, str]:
    return {name.decode("ascii"): value.decode("latin-1") for name, value in event.headers}


async def _write(
    connection: h11.Connection, writer: asyncio.StreamWriter, head: h11.Request | h11.Response, body: bytes
) -> None:
    for event in (head, h11.Data(data=body), h11.EndOfMessage()):
        writer.write(connection.send(event) or b"")
    await writer.drain()


async def _serve_connection(handler: Handler, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=64 * 1024)
    while True:
        head = await _next_event(connection, reader)
        if not isinstance(head, h11.Request):
            return  # the peer closed between two requests
        request = Request(
            method=head.method.decode("ascii"),
            path=head.target.decode("ascii"),
            headers=_headers(head),
            body=await _read_body(connection, reader),
        )
        response = await handler(request)
        response_head = h11.Response(
            status_code=response.status,
            headers=[("content-type", response.content_type), ("content-length", str(len(response.body)))],
        )
        await _write(connection, writer, response_head, response.body)
        if connection.our_state is h11.MUST_CLOSE:
            return
        connection.start_next_cycle()


async def serve(path: Path, handler: Handler) -> asyncio.Server:
    """Serve `handler` on a Unix socket at `path`, readable and writable for its owner alone.

    A peer that breaks the protocol loses its connection; the others keep theirs.
    """

    async def on_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _serve_connection(handler, reader, writer)
        except (h11.ProtocolError, OSError, BodyTooLargeError, UnicodeDecodeError, asyncio.CancelledError):
            # Cancelled: the process ends while the core still holds its connection, which is as it should be.
            pass
        finally:
            writer.close()

    path.unlink(missing_ok=True)
    server = await asyncio.start_unix_server(on_connection, path)
    path.chmod(0o600)
    return server


async def post(path: Path, target: str, body: bytes, *, token: str, content_type: str = MSGPACK) -> Response:
    """Send one POST over the Unix socket at `path` with a bearer token.

    Raises OSError when the peer is away, h11.RemoteProtocolError when it does not speak HTTP.
    """
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        connection = h11.Connection(h11.CLIENT)
        head = h11.Request(
            method="POST",
            target=target,
            headers=[
                ("host", "core"),
                ("authorization", f"Bearer {token}"),
                ("content-type", content_type),
                ("content-length", str(len(body))),
            ],
        )
        await _write(connection, writer, head, body)
        event = await _next_event(connection, reader)
        if not isinstance(event, h11.Response):
            raise ConnectionResetError("the peer closed before it answered")
        answer = await _read_body(connection, reader)
        return Response(status=event.status_code, content_type=_headers(event).get("content-type", JSON), body=answer)
    finally:
        writer.close()
