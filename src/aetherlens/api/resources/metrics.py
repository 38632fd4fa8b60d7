"""/metrics: current values, and samples from API clients."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from aiohttp import web

from aetherlens.api.problems import Problem, bad_request
from aetherlens.api.requests import check_names, decode, explain, json_response, read_body
from aetherlens.collector.intake import Intake
from aetherlens.collector.normalise import Rejection
from aetherlens.lib.clock import from_us
from aetherlens.lib.logs import get_logger
from aetherlens.processor.live import Current, LiveState
from aetherlens.storage.devices import DeviceStore
from aetherlens.storage.series import SeriesRegistry
from aetherlens_sdk import Metric

log = get_logger(__name__)

#: Items of one request at most.
MAX_ITEMS = 10_000
#: How long a write may wait until it is durable, in seconds.
WRITE_TIMEOUT_S = 20.0

#: Where samples of API clients are said to come from.
SOURCE = "api"


class CurrentMetric(msgspec.Struct, frozen=True, kw_only=True):
    """The newest sample of a series, as clients see it."""

    device_id: str
    device_name: str
    room: str | None
    role: str | None
    metric_type: str
    value: float
    unit: str
    timestamp: datetime


class ItemResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one item of a write."""

    index: int
    status: str
    field: str | None = None
    reason: str | None = None
    message: str | None = None


class MetricsResource:
    """Reads and writes samples."""

    def __init__(
        self,
        intake: Intake,
        live: LiveState,
        registry: SeriesRegistry,
        devices: DeviceStore,
    ) -> None:
        self._intake = intake
        self._live = live
        self._registry = registry
        self._devices = devices

    async def current(self, request: web.Request) -> web.Response:
        """GET /metrics/current[?device_id][&metric_type]: the newest sample of each series."""
        check_names(request, {"device_id", "metric_type"})
        device_id, metric_type = request.query.get("device_id"), request.query.get("metric_type")
        chosen = [
            current
            for current in self._live.all()
            if device_id in {None, current.series.device_id} and metric_type in {None, current.series.metric_type}
        ]
        return json_response({"metrics": await self._described(chosen)})

    async def _described(self, chosen: Sequence[Current]) -> list[CurrentMetric]:
        devices = await self._devices.known({current.series.device_id for current in chosen})
        described = []
        for current in sorted(chosen, key=lambda item: (item.series.device_id, item.series.metric_type)):
            device = devices.get(current.series.device_id)
            described.append(
                CurrentMetric(
                    device_id=current.series.device_id,
                    device_name=device.name if device else current.series.device_id,
                    room=device.room if device else None,
                    role=device.role if device else None,
                    metric_type=current.series.metric_type,
                    value=current.value,
                    unit=current.series.unit,
                    timestamp=from_us(current.ts_us),
                )
            )
        return described

    async def write(self, request: web.Request) -> web.Response:
        """POST /metrics: one metric or a list of them. Answered once they are committed or in the journal.

        201 when all are stored, 207 when some are, 422 when none is; each item's result stands in the answer.
        """
        items = _items(await read_body(request))
        metrics: list[Metric] = []
        positions: list[int] = []
        results: dict[int, ItemResult] = {}
        for index, item in enumerate(items):
            try:
                metrics.append(msgspec.json.decode(item, type=Metric))
                positions.append(index)
            except msgspec.ValidationError as error:
                message, field = explain(error)
                results[index] = ItemResult(
                    index=index, status="rejected", field=field, reason="invalid", message=message
                )
            except ValueError as error:  # bad UTF-8 inside of a text: the body was split without reading it
                raise bad_request(f"item {index} is not valid JSON: {error}") from error
        outcome = await self._intake.take_durable(SOURCE, metrics, timeout_s=WRITE_TIMEOUT_S)
        for rejection in outcome.rejections:
            results[positions[rejection.index]] = _rejected(positions[rejection.index], rejection)
        return _write_answer(
            [results.get(index) or ItemResult(index=index, status="stored") for index in range(len(items))]
        )


def _items(body: bytes) -> list[msgspec.Raw]:
    """Split a body into its items without judging them."""
    is_list = body.lstrip()[:1] == b"["
    items = decode(body, list[msgspec.Raw]) if is_list else [decode(body, msgspec.Raw)]
    if not items:
        raise bad_request("the list is empty", hint="send one metric or a list of metrics")
    if len(items) > MAX_ITEMS:
        raise Problem(413, "too-large", f"{len(items)} metrics in one request", hint=f"send at most {MAX_ITEMS}")
    return items


def _rejected(index: int, rejection: Rejection) -> ItemResult:
    return ItemResult(
        index=index, status="rejected", field=rejection.field, reason=rejection.reason, message=rejection.message
    )


def _write_answer(results: list[ItemResult]) -> web.Response:
    refused = [result for result in results if result.status == "rejected"]
    if len(refused) == len(results):
        first = refused[0]
        place = "" if len(results) == 1 else f"item {first.index}: "
        raise Problem(
            422, "rejected", f"{place}{first.message}", field=first.field,
            results=msgspec.to_builtins(results[:1000]),
        )  # fmt: skip
    return json_response(
        {"stored": len(results) - len(refused), "rejected": len(refused), "results": results}, 207 if refused else 201
    )
