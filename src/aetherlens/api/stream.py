"""/events: every change as it happens, as server-sent events."""

import asyncio
from collections.abc import Sequence

import msgspec
from aiohttp import web

from aetherlens.api.problems import unavailable
from aetherlens.lib.clock import from_us
from aetherlens.processor.live import Current, LiveState
from aetherlens.processor.subscribers import Subscribers

#: An event this often tells a quiet stream from a dead one.
HEARTBEAT_S = 15.0
#: Open streams at most.
MAX_STREAMS = 100
#: How long one write may take before the reader counts as gone.
WRITE_TIMEOUT_S = 10.0


class StreamResource:
    """Serves live streams."""

    def __init__(self, subscribers: Subscribers, live: LiveState) -> None:
        self._subscribers = subscribers
        self._live = live

    async def events(self, request: web.Request) -> web.StreamResponse:
        """GET /events: `event: metrics` with the series that changed, `event: heartbeat` while nothing does.

        The first event holds every current value, so that nothing is missed between a page and its stream.
        """
        if len(self._subscribers) >= MAX_STREAMS:
            raise unavailable("too many live streams are open")
        response = web.StreamResponse(
            headers={"content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no"}
        )
        subscription = self._subscribers.subscribe()
        try:
            await response.prepare(request)
            await self._write(response, b"retry: 2000\n\n" + _event(self._live.all()))
            while True:
                try:
                    async with asyncio.timeout(HEARTBEAT_S):
                        changes = await subscription.next()
                except TimeoutError:
                    await self._write(response, b"event: heartbeat\ndata: {}\n\n")
                    continue
                if changes is None:
                    return response
                await self._write(response, _event(changes))
        except (ConnectionError, TimeoutError):
            return response
        finally:
            self._subscribers.unsubscribe(subscription)

    async def _write(self, response: web.StreamResponse, data: bytes) -> None:
        async with asyncio.timeout(WRITE_TIMEOUT_S):
            await response.write(data)


def _event(changes: Sequence[Current]) -> bytes:
    metrics = [
        {
            "device_id": change.series.device_id,
            "metric_type": change.series.metric_type,
            "value": change.value,
            "unit": change.series.unit,
            "timestamp": from_us(change.ts_us),
        }
        for change in changes
    ]
    return b"event: metrics\ndata: " + msgspec.json.encode({"metrics": metrics}) + b"\n\n"
