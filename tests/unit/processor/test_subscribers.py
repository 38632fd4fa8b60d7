"""A slow reader of the live stream loses its place; the others lose nothing."""

import asyncio
from collections.abc import Sequence

import pytest

from aetherlens.lib.metrics import Metrics
from aetherlens.processor.live import Current
from aetherlens.processor.subscribers import QUEUE_BATCHES, Subscribers, Subscription
from aetherlens.storage.series import Series

SERIES = Series(series_id=1, device_id="meter", metric_type="power", unit="W", tags={}, device_type="meter")


def changes(number: int) -> list[Current]:
    return [Current(SERIES, number, float(number))]


async def rest_of(subscription: Subscription) -> list[Sequence[Current]]:
    """Read until the end of the stream."""
    read: list[Sequence[Current]] = []
    async with asyncio.timeout(5):
        while (item := await subscription.next()) is not None:
            read.append(item)
    return read


@pytest.fixture
def metrics() -> Metrics:
    return Metrics("test")


@pytest.fixture
def subscribers(metrics: Metrics) -> Subscribers:
    return Subscribers(metrics)


async def test_every_reader_gets_every_change_in_order(subscribers: Subscribers) -> None:
    readers = [subscribers.subscribe() for _ in range(3)]
    for number in range(QUEUE_BATCHES - 1):
        subscribers.publish(changes(number))
    subscribers.close()
    for reader in readers:
        assert await rest_of(reader) == [changes(number) for number in range(QUEUE_BATCHES - 1)]
    assert len(subscribers) == 0


async def test_a_slow_reader_is_dropped_and_told_while_the_others_go_on(
    subscribers: Subscribers, metrics: Metrics
) -> None:
    slow, quick = subscribers.subscribe(), subscribers.subscribe()
    read = []
    for number in range(QUEUE_BATCHES + 50):
        subscribers.publish(changes(number))
        read.append(await quick.next())
    assert read == [changes(number) for number in range(QUEUE_BATCHES + 50)]
    assert slow.dropped
    assert not quick.dropped
    assert len(subscribers) == 1
    assert metrics.registry.get_sample_value("aetherlens_stream_drops_total") == 1
    # What was queued still arrives, then the stream ends.
    assert await rest_of(slow) == [changes(number) for number in range(QUEUE_BATCHES)]


async def test_no_changes_are_no_news(subscribers: Subscribers) -> None:
    reader = subscribers.subscribe()
    for _ in range(QUEUE_BATCHES + 1):
        subscribers.publish([])
    subscribers.close()
    assert not reader.dropped
    assert await rest_of(reader) == []


async def test_closing_wakes_a_reader_that_waits(subscribers: Subscribers) -> None:
    reader = asyncio.ensure_future(subscribers.subscribe().next())
    await asyncio.sleep(0)
    subscribers.close()
    async with asyncio.timeout(5):
        assert await reader is None


async def test_closing_ends_a_stream_whose_queue_is_full(subscribers: Subscribers) -> None:
    reader = subscribers.subscribe()
    for number in range(QUEUE_BATCHES):
        subscribers.publish(changes(number))
    subscribers.close()
    assert len(await rest_of(reader)) == QUEUE_BATCHES


async def test_open_streams_are_counted(subscribers: Subscribers, metrics: Metrics) -> None:
    first, second = subscribers.subscribe(), subscribers.subscribe()
    assert metrics.registry.get_sample_value("aetherlens_stream_subscribers") == 2
    subscribers.unsubscribe(first)
    subscribers.unsubscribe(first)
    assert metrics.registry.get_sample_value("aetherlens_stream_subscribers") == 1
    subscribers.publish(changes(1))
    assert await second.next() == changes(1)
