"""The HTTP server: the front door's TCP port, and a Unix socket for the web process."""

from pathlib import Path

from aiohttp import web

from aetherlens.api.middleware import errors_as_problems, same_origin_only, timed
from aetherlens.api.routes import Resources, routes
from aetherlens.lib.metrics import Metrics
from aetherlens.lib.unix_path import short_folder

#: Names by which a browser on this machine may call the server.
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})

#: How long open requests may take to finish when the core stops, in seconds.
STOP_GRACE_S = 3.0


class AddressError(Exception):
    """The server's address cannot be opened."""


class ApiServer:
    """Serves the routes."""

    def __init__(self, resources: Resources, metrics: Metrics, *, host: str, max_body_bytes: int) -> None:
        application = web.Application(
            client_max_size=max_body_bytes,
            middlewares=[timed(metrics), errors_as_problems(), same_origin_only(_LOOPBACK_NAMES | {host})],
        )
        application.add_routes(routes(resources))
        self._host = host
        self._runner = web.AppRunner(
            application, access_log=None, shutdown_timeout=STOP_GRACE_S, keepalive_timeout=75, handle_signals=False
        )

    async def start(self, port: int, socket: Path) -> int:
        """Open both doors and return the TCP port, which the kernel chooses where `port` is 0. Raises AddressError."""
        await self._runner.setup()
        socket.unlink(missing_ok=True)
        await web.UnixSite(self._runner, str(short_folder(socket.parent) / socket.name)).start()
        socket.chmod(0o600)
        try:
            await web.TCPSite(self._runner, self._host, port).start()
        except OSError as error:
            raise AddressError(f"{self._host}:{port} cannot be opened: {error.strerror or error}") from error
        return int(self._runner.addresses[-1][1])

    async def stop(self) -> None:
        """Close the doors and finish open requests."""
        await self._runner.cleanup()
