"""Hands everything that is not the API to the web process."""

from pathlib import Path

import aiohttp
from aiohttp import web
from yarl import URL

from aetherlens.lib.logs import get_logger

log = get_logger(__name__)

TIMEOUT_S = 30.0

#: Headers that belong to one connection, https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1, or that the proxy sets.
_HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding",
     "upgrade", "content-length"}
)  # fmt: skip

_STARTING = """<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="2">
<title>AetherLens</title><p>The pages are starting; this one looks again in two seconds. Measuring goes on meanwhile.
"""


class Front:
    """A reverse proxy to the web process on its Unix socket."""

    def __init__(self, socket: Path) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.UnixConnector(str(socket), limit=16),
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    async def hand_over(self, request: web.Request) -> web.Response:
        """Answer with what the web process answers."""
        headers = [(name, value) for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP]
        try:
            async with self._session.request(
                request.method,
                URL(f"http://web{request.raw_path}", encoded=True),
                headers=headers,
                data=await request.read() or None,
                allow_redirects=False,
            ) as answer:
                body = await answer.read()
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            log.warning("web_does_not_answer", path=request.path, reason=repr(error))
            return web.Response(status=503, text=_STARTING, content_type="text/html", headers={"Retry-After": "2"})
        response = web.Response(status=answer.status, body=body)
        for name, value in answer.headers.items():
            if name.lower() == "content-type":
                response.headers[name] = value
            elif name.lower() not in _HOP_BY_HOP:
                response.headers.add(name, value)
        if answer.content_type == "text/html":
            response.enable_compression()
        return response
