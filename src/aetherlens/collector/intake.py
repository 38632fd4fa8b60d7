"""Where batches come in: decoded in one step, normalised, and handed on."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Annotated

import msgspec

from aetherlens.collector.buffer import Buffer
from aetherlens.collector.errors import BackpressureError, UndecodableBatchError
from aetherlens.collector.normalise import Accepted, Normaliser, Rejection
from aetherlens.lib.clock import now_us
from aetherlens.lib.logs import get_logger
from aetherlens.lib.metrics import Metrics
from aetherlens.storage.samples import SampleBatch
from aetherlens.storage.series import SeriesRegistry
from aetherlens_sdk import Metric

log = get_logger(__name__)

#: Metrics of one batch at most. A plugin with more sends several.
MAX_BATCH_METRICS = 100_000

_Batch = Annotated[list[Metric], msgspec.Meta(max_length=MAX_BATCH_METRICS)]
_MSGPACK = msgspec.msgpack.Decoder(_Batch)  # refuses a longer list by its head, before any metric takes memory
_JSON = msgspec.json.Decoder(_Batch)


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a batch."""

    accepted: int
    rejections: list[Rejection]


def decode(body: bytes, content_type: str) -> list[Metric]:
    """Decode a plugin's batch. Raises UndecodableBatchError with the place of the fault."""
    try:
        return (_JSON if content_type == "application/json" else _MSGPACK).decode(body)
    except (ValueError, RecursionError) as error:  # msgspec's errors and those of bad UTF-8 are ValueErrors
        raise UndecodableBatchError(f"not a list of at most {MAX_BATCH_METRICS} metrics: {error}") from error


class Intake:
    """The one way in, for plugins and for API clients."""

    def __init__(
        self,
        normaliser: Normaliser,
        registry: SeriesRegistry,
        buffer: Buffer,
        metrics: Metrics,
        listeners: Sequence[Callable[[SampleBatch], None]],
        obstacle: Callable[[], str | None] = lambda: None,
    ) -> None:
        """`listeners` hear of every accepted batch and must return at once; `obstacle` says why none can be taken."""
        self._normaliser = normaliser
        self._registry = registry
        self._buffer = buffer
        self._metrics = metrics
        self._listeners = listeners
        self._obstacle = obstacle

    async def take(self, source: str, metrics: Sequence[Metric], tick_us: int, *, timeout_s: float) -> Outcome:
        """Take a plugin's metrics; they are stored with the next flush.

        Raises BackpressureError when there was no room in time or on the disk; then nothing was taken.
        """
        self._check_obstacle()
        accepted, rejections = await self._normaliser.normalise(source, metrics, tick_us, now_us())
        self._count_rejected(source, rejections)
        if accepted.series_ids:
            batch = _batch(accepted)
            await self._buffer.put(batch, timeout_s=timeout_s)
            self._announce(source, batch)
        return Outcome(accepted=len(accepted.indexes), rejections=rejections)

    async def take_durable(self, source: str, metrics: Sequence[Metric], *, timeout_s: float) -> Outcome:
        """Take metrics and return once they are committed or in the journal. Raises as `take`, and NotStoredError."""
        self._check_obstacle()
        now = now_us()
        accepted, rejections = await self._normaliser.normalise(source, metrics, now, now)
        self._count_rejected(source, rejections)
        if accepted.series_ids:
            batch = _batch(accepted)
            await self._buffer.put_durable(batch, timeout_s=timeout_s)
            self._announce(source, batch)
        return Outcome(accepted=len(accepted.indexes), rejections=rejections)

    def _check_obstacle(self) -> None:
        if (reason := self._obstacle()) is not None:
            raise BackpressureError(reason)

    def _count_rejected(self, source: str, rejections: list[Rejection]) -> None:
        for reason, count in Counter(rejection.reason for rejection in rejections).items():
            self._metrics.metrics_rejected.labels(source, reason).inc(count)
        if rejections:
            first = rejections[0]
            log.warning(
                "metrics_rejected", plugin=source, count=len(rejections), field=first.field, reason=first.message
            )

    def _announce(self, source: str, batch: SampleBatch) -> None:
        batch = self._registry.resolved(batch)
        for series_id, count in Counter(batch.series_ids.tolist()).items():
            device_type = self._registry.by_id(series_id).device_type
            self._metrics.metrics_collected.labels(source, device_type).inc(count)
        for listener in self._listeners:
            listener(batch)


def _batch(accepted: Accepted) -> SampleBatch:
    return SampleBatch.from_lists(accepted.series_ids, accepted.ts_us, accepted.values)
