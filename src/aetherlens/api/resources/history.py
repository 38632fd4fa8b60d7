"""/metrics/history: what series were like over time, as samples or as buckets, in JSON or CSV."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
from aiohttp import web

from aetherlens.api.problems import bad_request, not_found, unavailable
from aetherlens.api.requests import check_names, moment, required, whole_number
from aetherlens.domain.buckets import LEVELS
from aetherlens.domain.reduce import reduce
from aetherlens.lib.clock import DAY_US, from_us, to_us
from aetherlens.lib.logs import get_logger
from aetherlens.storage.aggregates import AggregateHistory, Bucket
from aetherlens.storage.errors import DatabaseUnavailableError
from aetherlens.storage.history import History, Point
from aetherlens.storage.raw import FIRST_US, LAST_US, RawSamples
from aetherlens.storage.series import Series, SeriesRegistry

log = get_logger(__name__)

#: Buckets of one series' answer at most: ten years of quarter hours.
MAX_BUCKETS = 366_000
#: Answers that are made at the same time; more wait for their turn, so that many readers do not take all memory.
MAX_ANSWERS = 8
#: How long one chunk may take to be taken, and a request may wait for its turn, in seconds.
WRITE_TIMEOUT_S = 10.0
TURN_TIMEOUT_S = 20.0
#: Series of one answer at most.
MAX_SERIES = 50
DEFAULT_MAX_POINTS = 2000
#: Samples are read and thinned out so much time at once.
_STEP_US = 7 * DAY_US
_MICROSECOND = timedelta(microseconds=1)

#: One day after the earliest time there is: before it, no start can be a day earlier.
_FIRST_DEFAULT_END = datetime.min.replace(tzinfo=UTC) + timedelta(days=1)

_PARAMETERS = {"device_id", "metric_type", "series", "start", "end", "resolution", "max_points", "format"}
_CSV_HEAD = ("time", "device_id", "metric_type", "unit", "value", "min", "max", "count", "energy_kwh")


class _Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for."""

    start: datetime
    end: datetime
    #: ``raw`` or one of LEVELS.
    resolution: str
    #: Samples per series at most; None for all.
    max_points: int | None


class HistoryResource:
    """Reads the past of series."""

    def __init__(
        self, registry: SeriesRegistry, history: History, aggregates: AggregateHistory, raw: RawSamples
    ) -> None:
        self._registry = registry
        self._turn = asyncio.Semaphore(MAX_ANSWERS)
        self._history = history
        self._aggregates = aggregates
        self._raw = raw

    async def history(self, request: web.Request) -> web.StreamResponse:
        """GET /metrics/history?device_id&metric_type or ?series=device:metric&series=…, and what docs/api.md names."""
        check_names(request, _PARAMETERS)
        question = _question(request)
        if "series" in request.query:
            chosen = [await self._find(*_pair(text)) for text in _wanted(request)]
            head: dict[str, object] = {}
        else:
            chosen = [await self._find(required(request, "device_id"), required(request, "metric_type"))]
            head = _described(chosen[0])
        if _wants_csv(request):
            return await self._in_turn(request, "text/csv; charset=utf-8", self._csv(chosen, question))
        head |= {"start": question.start, "end": question.end, "resolution": question.resolution}
        chunks = self._json(head, chosen, question, "series" in request.query)
        return await self._in_turn(request, "application/json", chunks)

    async def _in_turn(
        self, request: web.Request, content_type: str, chunks: AsyncIterator[bytes]
    ) -> web.StreamResponse:
        try:
            async with asyncio.timeout(TURN_TIMEOUT_S):
                await self._turn.acquire()
        except TimeoutError as error:
            raise unavailable("too many histories are being read at once") from error
        try:
            return await _stream(request, content_type, chunks)
        finally:
            self._turn.release()

    async def _find(self, device_id: str, metric_type: str) -> Series:
        series = self._registry.find(device_id, metric_type)
        if series is None:
            await self._registry.load()  # an import may have added it
            series = self._registry.find(device_id, metric_type)
        if series is None:
            raise not_found(
                f"device {device_id[:128]!r} has no metric {metric_type[:64]!r}", field="device_id",
                hint="GET /api/v1/devices lists devices and their metrics",
            )  # fmt: skip
        return series

    def _pages(self, series: Series, question: _Question) -> AsyncIterator[Sequence[Point | Bucket]]:
        if question.resolution != "raw":
            return self._buckets(series, question)
        if question.max_points is not None:
            return self._thinned(series.series_id, question, question.max_points)
        return self._history.raw(series.series_id, question.start, question.end)

    async def _buckets(self, series: Series, question: _Question) -> AsyncIterator[Sequence[Point | Bucket]]:
        yield await self._aggregates.buckets(series, question.start, question.end, question.resolution)

    async def _thinned(
        self, series_id: int, question: _Question, max_points: int
    ) -> AsyncIterator[Sequence[Point | Bucket]]:
        """Read samples week by week, so that a long range needs little memory, and keep the peaks of all."""
        begin, end = max(to_us(question.start), FIRST_US), min(to_us(question.end), LAST_US)
        first = await self._raw.after(series_id, begin)
        last = await self._raw.before(series_id, end)
        if first is None or last is None:
            return
        parts = [
            reduce(*await self._raw.read(series_id, low, min(low + _STEP_US, end)), max_points)
            for low in range(first, last + 1, _STEP_US)
        ]
        times, values = (np.concatenate(columns) for columns in zip(*parts, strict=True))
        times, values = reduce(times, values, max_points)
        yield [Point(from_us(us), value) for us, value in zip(times.tolist(), values.tolist(), strict=True)]

    async def _json(
        self, head: dict[str, object], chosen: Sequence[Series], question: _Question, several: bool
    ) -> AsyncIterator[bytes]:
        text = msgspec.json.encode(head)[:-1] + (b',"series":[' if several else b',"points":[')
        for index, series in enumerate(chosen):
            if several:
                text += (b"," if index else b"") + msgspec.json.encode(_described(series))[:-1] + b',"points":['
            comma = b""
            async for page in self._pages(series, question):
                if page:
                    yield text + comma + msgspec.json.encode(page)[1:-1]
                    text, comma = b"", b","
            text += b"]}" if several else b""
        yield text + b"]}"

    async def _csv(self, chosen: Sequence[Series], question: _Question) -> AsyncIterator[bytes]:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(_CSV_HEAD)
        for series in chosen:
            async for page in self._pages(series, question):
                writer.writerows(_csv_row(series, point) for point in page)
                yield text.getvalue().encode()
                text.seek(0)
                text.truncate()
        yield text.getvalue().encode()


def _csv_row(series: Series, point: Point | Bucket) -> Sequence[object]:
    time = point.timestamp.isoformat().replace("+00:00", "Z")
    names = (time, series.device_id, series.metric_type, series.unit)
    more = (point.min, point.max, point.count, point.energy_kwh) if isinstance(point, Bucket) else ("",) * 4
    return (*names, point.value, *more)


def _described(series: Series) -> dict[str, object]:
    return {"device_id": series.device_id, "metric_type": series.metric_type, "unit": series.unit}


def _question(request: web.Request) -> _Question:
    end = moment(request, "end", datetime.now(UTC))
    start = moment(request, "start", max(end, _FIRST_DEFAULT_END) - timedelta(days=1))
    if start >= end:
        raise bad_request("start must lie before end", field="start")
    resolution = request.query.get("resolution", "raw")
    if resolution not in {"raw", "auto", *LEVELS}:
        raise bad_request(
            f"there is no resolution {resolution[:20]!r}",
            field="resolution",
            hint=f"use auto, raw, {', '.join(LEVELS)}",
        )
    max_points = None
    if resolution == "auto" or "max_points" in request.query:
        max_points = whole_number(request, "max_points", DEFAULT_MAX_POINTS, least=4, most=100_000)
    if resolution == "auto":
        resolution = fitting((end - start) // _MICROSECOND, max_points or DEFAULT_MAX_POINTS)
    elif resolution not in {"raw", "1d"} and (end - start) // _MICROSECOND / LEVELS[resolution] > MAX_BUCKETS:
        raise bad_request("the range holds too many points", field="resolution", hint="ask for a coarser resolution")
    return _Question(start=start, end=end, resolution=resolution, max_points=max_points)


def fitting(range_us: int, max_points: int) -> str:
    """Return the resolution for a range: samples where it has few quarter hours, else the finest that fits, or days."""
    if range_us / LEVELS["15m"] <= max_points / 10:
        return "raw"
    return next((level for level in ("15m", "1h") if range_us / LEVELS[level] <= max_points), "1d")


def _wanted(request: web.Request) -> list[str]:
    if "device_id" in request.query or "metric_type" in request.query:
        raise bad_request("series stands for device_id and metric_type: give one or the other", field="series")
    wanted = list(dict.fromkeys(request.query.getall("series")))
    if len(wanted) > MAX_SERIES:
        raise bad_request(f"{len(wanted)} series in one request", field="series", hint=f"ask for at most {MAX_SERIES}")
    return wanted


def _pair(text: str) -> tuple[str, str]:
    """Split device:metric at the last colon: ids of devices may hold colons, metric types do not."""
    device_id, colon, metric_type = text.rpartition(":")
    if not colon or not device_id or not metric_type or "\0" in text:
        raise bad_request(f"{text[:40]!r} is no series", field="series", hint="write device:metric, as in meter:power")
    return device_id, metric_type


def _wants_csv(request: web.Request) -> bool:
    chosen = request.query.get("format")
    if chosen not in {None, "json", "csv"}:
        raise bad_request("there is no such format", field="format", hint="use json or csv")
    accept = request.headers.get("accept", "")
    return chosen == "csv" or (chosen is None and accept.split(";")[0].strip().lower() == "text/csv")


async def _stream(request: web.Request, content_type: str, chunks: AsyncIterator[bytes]) -> web.StreamResponse:
    """Send an answer chunk by chunk; a reader who takes none of it for WRITE_TIMEOUT_S is given up.

    The first one is made before the answer begins, so that an error of the database still becomes a problem.
    """
    first = await anext(chunks)
    response = web.StreamResponse(headers={"content-type": content_type, "vary": "accept"})
    response.enable_compression()
    await response.prepare(request)
    try:
        await _write(response, first)
        async for chunk in chunks:
            await _write(response, chunk)
    except (DatabaseUnavailableError, TimeoutError, ConnectionError) as error:
        # The head is out: a cut connection is the one way left to say that the answer is not whole.
        log.warning("history_cut_off", reason=str(error) or type(error).__name__)
        if request.transport is not None:
            request.transport.abort()
        return response
    await response.write_eof()
    return response


async def _write(response: web.StreamResponse, chunk: bytes) -> None:
    async with asyncio.timeout(WRITE_TIMEOUT_S):
        await response.write(chunk)
