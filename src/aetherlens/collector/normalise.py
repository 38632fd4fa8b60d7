"""Checks metrics and converts them to canonical units: the gate every sample passes."""

import math
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec

from aetherlens.domain.units import IDENTITY, Conversion, UnitError, canonical, convert
from aetherlens.lib.clock import SECOND_US, to_us
from aetherlens.storage.series import NewSeries, Series, SeriesRegistry
from aetherlens_sdk import Metric

#: Earlier times are those of devices without a clock, which start at 1970.
EARLIEST_US = 946_684_800 * SECOND_US  # 2000-01-01T00:00:00Z

#: Larger than anything a home can measure; sums of such values still fit a float.
MAX_VALUE = 1e30

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
    #: The tags it was learned with.
    tags: dict[str, str]


class _Span(msgspec.Struct, frozen=True, kw_only=True):
    """Where a batch stands in time, microseconds since 1970 UTC."""

    #: For metrics without a time of their own.
    tick_us: int
    #: No sample may be later.
    latest_us: int


class Normaliser:
    """Turns metrics into samples. Remembers what it has checked once, so that the next sample costs little."""

    def __init__(self, registry: SeriesRegistry, max_future_s: float) -> None:
        self._registry = registry
        self._max_future_us = int(max_future_s * SECOND_US)
        self._routes: dict[tuple[str, str, str | None], _Route] = {}

    async def normalise(
        self, source: str, metrics: Sequence[Metric], tick_us: int, now_us: int
    ) -> tuple[Accepted, list[Rejection]]:
        """Check a batch. New series are registered in the name of `source`; a metric without a time gets `tick_us`."""
        span = _Span(tick_us=tick_us, latest_us=now_us + self._max_future_us)
        rejections: dict[int, Rejection] = {}
        unknown = [(index, metric) for index, metric in enumerate(metrics) if not self._knows(metric)]
        if unknown:
            await self._learn(source, unknown, span, rejections)
        accepted = self._convert(metrics, span, rejections)
        return accepted, [rejections[index] for index in sorted(rejections)]

    def _knows(self, metric: Metric) -> bool:
        """Whether a metric of this form and with these tags was accepted before."""
        route = self._routes.get((metric.device_id, metric.metric_type, metric.unit))
        if route is None or route.series_id < 0:  # a temporary id may have become a final one meanwhile
            return False
        return metric.tags is None or metric.tags == route.tags

    def _convert(self, metrics: Sequence[Metric], span: _Span, rejections: dict[int, Rejection]) -> Accepted:
        """The hot loop: two dictionary look-ups and two checks per metric."""
        accepted = Accepted([], [], [], [])
        for index, metric in enumerate(metrics):
            if index in rejections:
                continue
            route = self._routes[metric.device_id, metric.metric_type, metric.unit]
            sample = _sample(index, metric, route.conversion, span)
            if isinstance(sample, Rejection):
                rejections[index] = sample
                continue
            accepted.series_ids.append(route.series_id)
            accepted.ts_us.append(sample[0])
            accepted.values.append(sample[1])
            accepted.indexes.append(index)
        return accepted

    async def _learn(
        self, source: str, unknown: list[tuple[int, Metric]], span: _Span, rejections: dict[int, Rejection]
    ) -> None:
        """Check metrics of a form not seen before, register the series of the good ones and remember the way."""
        good: list[tuple[int, Metric, str, Conversion]] = []
        for index, metric in unknown:
            checked = _check(index, metric, span)
            if isinstance(checked, Rejection):
                rejections[index] = checked
            else:
                good.append((index, metric, *checked))
        await self._register(source, good)
        routes: dict[tuple[str, str, str | None], _Route] = {}
        tags: dict[int, tuple[Series, dict[str, str]]] = {}
        for index, metric, unit, conversion in good:
            series = self._registry.find(metric.device_id, metric.metric_type)
            if series is None or series.unit != unit:
                rejections[index] = _no_series(index, series, unit)
                continue
            if metric.tags is not None:
                tags[series.series_id] = series, metric.tags
            route = _Route(series.series_id, conversion, series.tags if metric.tags is None else metric.tags)
            routes[metric.device_id, metric.metric_type, metric.unit] = route
        for series, wanted in tags.values():
            if series.tags != wanted:
                await self._registry.set_tags(series, wanted)
        self._routes.update(routes)

    async def _register(self, source: str, good: list[tuple[int, Metric, str, Conversion]]) -> None:
        """Register the series that do not exist yet, as their first metric describes them, while there is room."""
        new: dict[tuple[str, str], NewSeries] = {}
        for _, metric, unit, _ in good:
            key = metric.device_id, metric.metric_type
            if key not in new and self._registry.find(*key) is None:
                new[key] = NewSeries(
                    device_id=metric.device_id, metric_type=metric.metric_type, unit=unit, tags=metric.tags or {}
                )
        if new and self._registry.room:
            await self._registry.register_or_promise(source, list(new.values())[: self._registry.room])


def _reject(index: int, field: str, reason: Reason, message: str) -> Rejection:
    return Rejection(index=index, field=field, reason=reason, message=message)


def _check(index: int, metric: Metric, span: _Span) -> tuple[str, Conversion] | Rejection:
    """Check everything about a metric; return the unit it is stored in and the conversion into it."""
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
    try:
        unit, conversion = canonical(metric.metric_type, metric.unit)
    except UnitError as error:
        return _reject(index, "unit", "unit", str(error))
    sample = _sample(index, metric, conversion, span)
    return sample if isinstance(sample, Rejection) else (unit, conversion)


def _sample(index: int, metric: Metric, conversion: Conversion, span: _Span) -> tuple[int, float] | Rejection:
    """Return a metric's time in microseconds and its value in the canonical unit."""
    value = metric.value if conversion is IDENTITY else convert(metric.value, conversion)
    if not abs(value) <= MAX_VALUE:
        fault = "is too large" if math.isfinite(metric.value) else "is not a finite number"
        return _reject(index, "value", "value", f"{metric.value} {fault}")
    ts_us = span.tick_us if metric.timestamp is None else _time_us(metric.timestamp)
    if not EARLIEST_US <= ts_us <= span.latest_us:
        return _reject(index, "timestamp", "timestamp", _time_hint(metric, ts_us))
    return ts_us, value


def _no_series(index: int, series: Series | None, unit: str) -> Rejection:
    if series is None:
        message = "this home has as many series as it can hold; remove devices that are gone"
        return _reject(index, "device_id", "too_many_series", message)
    return _reject(index, "unit", "unit_changed", f"samples of this series are in {series.unit}, not in {unit}")


def _time_us(moment: datetime) -> int:
    """Return a time; one without a zone is out of bounds, as nobody can know what it means."""
    return to_us(moment) if moment.tzinfo is not None else -1


def _time_hint(metric: Metric, ts_us: int) -> str:
    if metric.timestamp is not None and metric.timestamp.tzinfo is None:
        return f"{metric.timestamp.isoformat()} has no time zone; add one, such as Z or +01:00"
    if ts_us < EARLIEST_US:
        return "the time lies before 2000-01-01; is the device's clock set?"
    return "the time lies too far in the future; is the device's clock right?"
