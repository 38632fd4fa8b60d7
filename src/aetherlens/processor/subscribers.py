"""Live streams: who wants every change as it happens."""

import asyncio
from collections.abc import Sequence

from aetherlens.lib.metrics import Metrics
from aetherlens.processor.live import Current

#: Changes a slow reader may fall behind by, in batches, before it loses its place.
QUEUE_BATCHES = 100


class Subscription:
    """One reader's queue."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Sequence[Current] | None] = asyncio.Queue(QUEUE_BATCHES)
        #: Whether the reader was too slow and has lost its place.
        self.dropped = False

    async def next(self) -> Sequence[Current] | None:
        """Return the next changes; None when the stream is over."""
        if self.dropped and self._queue.empty():
            return None
        return await self._queue.get()

    def offer(self, changes: Sequence[Current]) -> bool:
        """Put changes into the queue without waiting; False when it is full."""
        try:
            self._queue.put_nowait(changes)
        except asyncio.QueueFull:
            self.dropped = True
            return False
        return True

    def end(self) -> None:
        """Wake the reader with the end of the stream."""
        if not self._queue.full():
            self._queue.put_nowait(None)
        else:
            self.dropped = True


class Subscribers:
    """All live streams. Publishing never waits: who is too slow is dropped."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._subscriptions: set[Subscription] = set()

    def __len__(self) -> int:
        return len(self._subscriptions)

    def subscribe(self) -> Subscription:
        """Open a stream."""
        subscription = Subscription()
        self._subscriptions.add(subscription)
        self._metrics.stream_subscribers.set(len(self._subscriptions))
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Close a stream."""
        self._subscriptions.discard(subscription)
        self._metrics.stream_subscribers.set(len(self._subscriptions))

    def publish(self, changes: Sequence[Current]) -> None:
        """Hand changes to every stream; no changes are no news."""
        if not changes:
            return
        for subscription in list(self._subscriptions):
            if not subscription.offer(changes):
                self._metrics.stream_drops.inc()
                self.unsubscribe(subscription)

    def close(self) -> None:
        """End every stream."""
        for subscription in list(self._subscriptions):
            subscription.end()
            self.unsubscribe(subscription)
