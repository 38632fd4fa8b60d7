"""Serve the pages on a Unix socket: `python -m aetherlens_web --socket PATH --api-socket PATH`.

Writes one line `web_ready socket=PATH` to standard output once it accepts connections. SIGTERM ends it.
"""

import argparse
import logging
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import NoReturn

from waitress.server import create_server

from aetherlens_web.app import MAX_FORM_BYTES, create_app

#: Pages wait for the core, not for the processor, so a few threads serve a household.
THREADS = 4

log = logging.getLogger("aetherlens_web")


def serve(socket: Path, api_socket: Path) -> None:
    """Serve until SIGTERM or SIGINT; removes the socket at the end."""
    app = create_app(api_socket)
    signal.signal(signal.SIGTERM, _end)
    # The socket must never be open to others, not even between bind and chmod.
    umask = os.umask(0o177)
    try:
        server = create_server(
            app,
            unix_socket=str(socket),
            unix_socket_perms="600",
            threads=THREADS,
            ident=None,
            connection_limit=200,
            channel_timeout=30,
            max_request_body_size=MAX_FORM_BYTES,
        )
    finally:
        os.umask(umask)
    try:
        sys.stdout.write(f"web_ready socket={socket}\n")
        sys.stdout.flush()
        server.run()
    finally:
        server.close()
        socket.unlink(missing_ok=True)


def _end(signum: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)


def main() -> None:
    """Parse the arguments and serve."""
    parser = argparse.ArgumentParser(prog="aetherlens_web", description="The web pages of AetherLens")
    parser.add_argument("--socket", type=Path, required=True, help="Unix socket to serve the pages on")
    parser.add_argument("--api-socket", type=Path, required=True, help="Unix socket of the core's API")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s", stream=sys.stderr)
    # A browser fetches a page's files all at once: a moment in the queue is no news.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    serve(arguments.socket, arguments.api_socket)


if __name__ == "__main__":
    main()
