"""The intake socket: where plugins bring metrics by themselves."""

import hmac
from collections.abc import Callable
from pathlib import Path

from aiohttp import web

from aetherlens.lib.clock import now_us
from aetherlens.lib.unix_path import short_folder
from aetherlens.plugins.errors import BadAnswerError, NotTakenError
from aetherlens.plugins.supervisor import Deliver

#: Largest pushed batch, in bytes.
MAX_PUSH_BYTES = 16 * 1024 * 1024


class IntakeServer:
    """Takes ``POST /v1/metrics`` on a Unix socket; each plugin shows its own token."""

    def __init__(self, path: Path, tokens: Callable[[], dict[str, str]], deliver: Deliver) -> None:
        """`tokens` returns the current plugin ids and their tokens."""
        self._path = path
        self._tokens = tokens
        self._deliver = deliver
        application = web.Application(client_max_size=MAX_PUSH_BYTES)
        application.router.add_post("/v1/metrics", self._take)
        self._runner = web.AppRunner(application, access_log=None, keepalive_timeout=75)

    async def start(self) -> None:
        """Open the socket."""
        self._path.unlink(missing_ok=True)
        await self._runner.setup()
        await web.UnixSite(self._runner, str(short_folder(self._path.parent) / self._path.name)).start()
        self._path.chmod(0o600)

    async def stop(self) -> None:
        """Close it."""
        await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        shown = request.headers.get("authorization", "").removeprefix("Bearer ").encode(errors="surrogateescape")
        tokens = self._tokens().items()
        plugin_id = next((name for name, token in tokens if hmac.compare_digest(token.encode(), shown)), None)
        if plugin_id is None:
            return web.json_response({"message": "unknown plugin token"}, status=401)
        body = await request.read()
        try:
            taken = await self._deliver(plugin_id, request.content_type, body, now_us())
        except BadAnswerError as error:
            return web.json_response({"message": str(error)}, status=422)
        except NotTakenError as error:
            return web.json_response({"message": str(error)}, status=503, headers={"Retry-After": "5"})
        return web.json_response({"accepted": taken})
