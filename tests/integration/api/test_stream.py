"""The live stream delivers what was accepted, as it happens."""

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from integration.api.helpers import Core, ago, metric


@contextmanager
def listening(core: Core) -> Iterator[Iterator[list[dict[str, Any]]]]:
    """Open the stream and yield its metrics, event by event."""
    address = urlsplit(core.address)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=20)
    connection.request("GET", "/api/v1/events")
    answer = connection.getresponse()
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/event-stream"
    try:
        yield _events(answer)
    finally:
        answer.close()
        connection.close()


def _events(answer: http.client.HTTPResponse) -> Iterator[list[dict[str, Any]]]:
    name = ""
    for line in answer:
        if line.startswith(b"event: "):
            name = line[7:].decode().strip()
        elif line.startswith(b"data: ") and name == "metrics":
            yield json.loads(line[6:])["metrics"]


def of_device(events: Iterator[list[dict[str, Any]]], device: str) -> list[dict[str, Any]]:
    """Return the first event's metrics of a device."""
    return next(found for event in events if (found := [one for one in event if one["device_id"] == device]))


def test_it_begins_with_what_is_known_and_goes_on_with_what_is_posted(core: Core, device: str) -> None:
    first, second = ago(seconds=10), ago(seconds=5)
    core.post(metric(device, timestamp=first))
    with listening(core) as events:
        assert of_device(events, device) == [
            {"device_id": device, "metric_type": "power", "value": 1.5, "unit": "W", "timestamp": first}
        ]
        core.post(metric(device, value=2.0, unit="kW", timestamp=second))
        assert of_device(events, device)[0]["value"] == 2000.0


def test_what_is_older_than_the_current_value_is_no_news(core: Core, device: str) -> None:
    with listening(core) as events:
        next(events)
        core.post(metric(device, value=5.0, timestamp=ago(seconds=5)))
        core.post(metric(device, value=4.0, timestamp=ago(seconds=9)))
        core.post(metric(device, value=6.0, timestamp=ago(seconds=1)))
        assert [of_device(events, device)[0]["value"] for _ in range(2)] == [5.0, 6.0]


def test_every_listener_hears_the_same(core: Core, device: str) -> None:
    with listening(core) as one, listening(core) as other:
        next(one)
        next(other)
        core.post(metric(device))
        assert of_device(one, device) == of_device(other, device)
