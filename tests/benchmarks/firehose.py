"""A process that answers polls with prepared batches: a plugin that costs no time of its own."""

import asyncio
import sys
from pathlib import Path

from aetherlens_sdk.http import MSGPACK, Request, Response, serve


async def main(socket: Path, folder: Path) -> None:
    """Serve the batches of `folder`, in order and over again, on `socket` until the process is killed."""
    batches = [path.read_bytes() for path in sorted(folder.glob("*.msgpack"))]
    position = 0

    async def answer(request: Request) -> Response:
        nonlocal position
        if request.path != "/v1/collect":
            return Response(status=200, content_type=MSGPACK, body=b"\x80")
        body = batches[position % len(batches)]
        position += 1
        return Response(status=200, content_type=MSGPACK, body=body)

    server = await serve(socket, answer)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
