"""Checks metrics and converts them to canonical units: the gate every sample passes."""

import math
import re
from collections.abc import Sequence
from typing import Literal

import msgspec

from aetherlens.domain.units import IDENTITY, Conversion, UnitError, canonical, convert
from aetherlens.lib.clock import SECOND_US, to_us
from aetherlens.storage.series import NewSeries, SeriesRegistry
from aetherlens_sdk import Metric

#: Earlier times are those of devices without a clock, which start at 1970.
EARLIEST_US = 946_684_800 * SECOND_US  # 2000-01-01T00:00:00Z

MAX_TAGS = 16
MAX_TAG_LENGTH = 128

DEVICE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
METRIC_TYPE = re.compile(r"[a-z][a-z0-9_]{0,63}")

Reason = Literal["device_id", "metric_type", "value", "unit", "unit_changed", "timestamp", "tags", "too_many_series"]


class Rejection(msgspec.Struct, frozen=True, kw_only=True):
    """Why one metric of a batch was refused."""

    #: Position in the batch.
    index: int
    #: The field at fault.
    field: str
    #: Short name of the reason, for counting.
    reason: Reason
    #: What is wrong and what would be right.
    message: str


class Accepted(msgspec.Struct, frozen=True):
    """The good part of a batch, as columns."""

    series_ids: list[int]
    ts_us: list[int]
    values: list[float]
    #: Position of each in the batch.
    indexes: list[int]


class _Route(msgspec.Struct, frozen=True):
    """Where samples of one (device, metric type, unit) go."""

    series_id: int
    conversion: Conversion
    tags: dict[str, str] | None


class Normaliser:
    """Turns metrics into samples. Remembers what it has checked once, so that the next sample costs little."""

    def __init__(self, registry: SeriesRegistry, max_future_s: float) -> None:
        self._registry = registry
        self._max_future_us = int(max_future_s * SECOND_US)
        self._routes: dict[tuple[str, str, str | None], _Route] = {}

    async def normalise(
        self, source: str, metrics: Sequence[Metric], tick_us: int, now_us: int
    ) -> tuple[Accepted, list[Rejection]]:
        """Check a batch. New series are registered in the name of `source`; a metric without a time gets `tick_us`.

        Raises what the database raises when a new series cannot be registered.
        """
        rejections: list[Rejection] = []
        unknown = [
            (index, metric)
            for index, metric in enumerate(metrics)
            if (metric.device_id, metric.metric_type, metric.unit) not in self._routes
        ]
        if unknown:
            await self._learn(source, unknown, rejections)
        accepted = self._convert(metrics, tick_us, now_us, rejections)
        rejections.sort(key=lambda rejection: rejection.index)
        return accepted, rejections

    def _convert(self, metrics: Sequence[Metric], tick_us: int, now_us: int, rejections: list[Rejection]) -> Accepted:
        """The hot loop: one dictionary look-up and three checks per metric."""
        latest_us = now_us + self._max_future_us
        routes = self._routes
        isfinite = math.isfinite
        series_ids: list[int] = []
        times: list[int] = []
        values: list[float] = []
        indexes: list[int] = []
        for index, metric in enumerate(metrics):
            route = routes.get((metric.device_id, metric.metric_type, metric.unit))
            if route is None:
                continue  # rejected by _learn
            value = metric.value
            if not isfinite(value):
                rejections.append(_reject(index, "value", "value", f"{value} is not a finite number"))
                continue
            ts_us = tick_us if metric.timestamp is None else _time_us(metric)
            if not EARLIEST_US <= ts_us <= latest_us:
                rejections.append(
                    _reject(index, "timestamp", "timestamp", _time_hint(metric, ts_us, self._max_future_us))
                )
                continue
            if route.conversion is not IDENTITY:
                value = convert(value, route.conversion)
            series_ids.append(route.series_id)
            times.append(ts_us)
            values.append(value)
            indexes.append(index)
        return Accepted(series_ids, times, values, indexes)

    async def _learn(self, source: str, unknown: list[tuple[int, Metric]], rejections: list[Rejection]) -> None:
        """Check metrics of a form not seen before, register their series and remember the way."""
        good: list[tuple[int, Metric, str, Conversion]] = []
        for index, metric in unknown:
            rejection = _check_names(index, metric)
            if rejection is None:
                try:
                    good.append((index, metric, *canonical(metric.metric_type, metric.unit)))
                    continue
                except UnitError as error:
                    rejection = _reject(index, "unit", "unit", str(error))
            rejections.append(rejection)
        new = [
            NewSeries(device_id=metric.device_id, metric_type=metric.metric_type, unit=unit, tags=metric.tags or {})
            for _, metric, unit, _ in good
            if self._registry.find(metric.device_id, metric.metric_type) is None
        ]
        if new and not self._registry.full:
            await self._registry.register(source, new)
        for index, metric, unit, conversion in good:
            self._remember(index, metric, unit, conversion, rejections)

    def _remember(
        self, index: int, metric: Metric, unit: str, conversion: Conversion, rejections: list[Rejection]
    ) -> None:
        series = self._registry.find(metric.device_id, metric.metric_type)
        if series is None:
            message = "this home has as many series as it can hold; remove devices that are gone"
            rejections.append(_reject(index, "device_id", "too_many_series", message))
        elif series.unit != unit:
            message = f"samples of this series are in {series.unit}, not in {unit}"
            rejections.append(_reject(index, "unit", "unit_changed", message))
        else:
            route = _Route(series.series_id, conversion, metric.tags)
            self._routes[metric.device_id, metric.metric_type, metric.unit] = route


def _reject(index: int, field: str, reason: Reason, message: str) -> Rejection:
    return Rejection(index=index, field=field, reason=reason, message=message)


def _check_names(index: int, metric: Metric) -> Rejection | None:
    if not DEVICE_ID.fullmatch(metric.device_id):
        message = "an id is 1 to 128 letters, digits and . _ : - and begins with a letter or digit"
        return _reject(index, "device_id", "device_id", message)
    if not METRIC_TYPE.fullmatch(metric.metric_type):
        message = "a metric type is 1 to 64 lower-case letters, digits and _ and begins with a letter"
        return _reject(index, "metric_type", "metric_type", message)
    tags = metric.tags or {}
    if len(tags) > MAX_TAGS or any(
        len(text) > MAX_TAG_LENGTH or "\0" in text for pair in tags.items() for text in pair
    ):
        message = f"at most {MAX_TAGS} tags, each name and value at most {MAX_TAG_LENGTH} characters"
        return _reject(index, "tags", "tags", message)
    if metric.unit is not None and "\0" in metric.unit:
        return _reject(index, "unit", "unit", "a unit is printable text")
    return None


def _time_us(metric: Metric) -> int:
    """Return a metric's own time; one without a zone is out of bounds, as nobody can know what it means."""
    moment = metric.timestamp
    assert moment is not None
    return to_us(moment) if moment.tzinfo is not None else -1


def _time_hint(metric: Metric, ts_us: int, max_future_us: int) -> str:
    if metric.timestamp is not None and metric.timestamp.tzinfo is None:
        return f"{metric.timestamp.isoformat()} has no time zone; add one, such as Z or +01:00"
    if ts_us < EARLIEST_US:
        return "the time lies before 2000-01-01; is the device's clock set?"
    return f"the time lies more than {max_future_us // SECOND_US} s in the future; is the device's clock right?"
