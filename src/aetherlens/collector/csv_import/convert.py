"""Rows of a CSV file → samples: every check a cell passes."""

import math
from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from aetherlens.collector.csv_import.mapping import CsvMapping
from aetherlens.collector.csv_import.rows import Rows
from aetherlens.collector.csv_import.tally import Reason, Tally, shown
from aetherlens.collector.csv_import.times import TimeParser
from aetherlens.collector.csv_import.values import NOT_FINITE, ValueParser
from aetherlens.collector.csv_import.values import UNPARSABLE as UNPARSABLE_NUMBER
from aetherlens.collector.csv_import.zones import NONEXISTENT as NONEXISTENT_TIME
from aetherlens.collector.csv_import.zones import UNPARSABLE as UNPARSABLE_TIME
from aetherlens.collector.csv_import.zones import Order, Times
from aetherlens.collector.normalise import EARLIEST_US
from aetherlens.domain.units import Conversion, canonical
from aetherlens.lib.clock import from_us
from aetherlens.storage.samples import SampleBatch

_Mask = npt.NDArray[np.bool_]


class Converted(msgspec.Struct, frozen=True, kw_only=True):
    """What became of some rows."""

    #: One sample per series and time, series by series.
    batch: SampleBatch
    tally: Tally
    #: The times' order after these rows.
    order: Order
    last_line: int
    read_bytes: int
    #: The first row's conversions in words; empty but for the first rows.
    told: tuple[str, ...]


class Converter:
    """Converts the rows of one file, in their order."""

    def __init__(self, mapping: CsvMapping, series_ids: Sequence[int], latest_us: int) -> None:
        """`series_ids` are those of the mapping's columns; times after `latest_us` lie in the future."""
        self._columns = mapping.columns
        self._series_ids = series_ids
        self._latest_us = latest_us
        self._times = TimeParser(mapping.time.format, mapping.time.zone)
        self._units = [canonical(column.metric_type, column.unit) for column in mapping.columns]
        parsers: dict[Conversion, ValueParser] = {}
        for _, conversion in self._units:
            if conversion not in parsers:
                parsers[conversion] = ValueParser(conversion, decimal=mapping.decimal, missing=mapping.missing)
        self._parsers = [parsers[conversion] for _, conversion in self._units]
        #: Times of the rows before, to notice those that come again.
        self._before: Times = np.empty(0, dtype=np.int64)
        self._told = False

    def convert(self, rows: Rows, order: Order) -> Converted:
        """Convert rows that follow those converted before; `order` is what came of them."""
        tally = rows.tally
        times, order = self._times.parse(rows.times, order)
        good = self._check_times(rows, times, tally)
        told = self._tell(rows, times, good)
        times, lines = times[good], np.asarray(rows.lines)[good]
        superseded = self._count_repeated(times, lines, tally)
        parts: list[tuple[int, Times, npt.NDArray[np.float64]]] = []
        for index, parser in enumerate(self._parsers):
            texts = rows.cells[index]
            values = parser.parse(texts)
            self._count_faults(index, texts, values, rows.lines, tally)
            values = values[good]
            usable = np.isfinite(values)
            parts.append((self._series_ids[index], times[usable], values[usable]))
        batch = _join(parts)
        if superseded:
            batch = batch.last_of_each()
        tally.samples += len(batch)
        if len(batch):
            tally.first_us, tally.last_us = int(batch.ts_us.min()), int(batch.ts_us.max())
        return Converted(
            batch=batch, tally=tally, order=order, last_line=rows.last_line, read_bytes=rows.read_bytes, told=told
        )

    def _tell(self, rows: Rows, times: Times, good: _Mask) -> tuple[str, ...]:
        """Return the first good row's conversions, once."""
        if self._told or not good.any():
            return ()
        self._told = True
        row = int(np.argmax(good))
        told = [f"line {rows.lines[row]}: time {shown(rows.times[row])} is {from_us(int(times[row])).isoformat()}"]
        for column, cells, parser, (unit, _) in zip(self._columns, rows.cells, self._parsers, self._units, strict=True):
            value = parser[cells[row]]
            becomes = f"{value!r} {unit}" if math.isfinite(value) else "no sample"
            target = f"{column.device_id} {column.metric_type}"
            told.append(f"{column.column} {shown(cells[row])} {column.unit} is {target} {becomes}")
        return tuple(told)

    def _check_times(self, rows: Rows, times: Times, tally: Tally) -> _Mask:
        """Count and leave out rows without a usable time."""
        faults: list[tuple[Reason, _Mask]] = [
            ("unparsable time", times == UNPARSABLE_TIME),
            ("nonexistent local time", times == NONEXISTENT_TIME),
            ("before 2000", (times > NONEXISTENT_TIME) & (times < EARLIEST_US)),
            ("in the future", times > self._latest_us),
        ]
        good = np.ones(len(times), dtype=bool)
        for reason, mask in faults:
            indexes = np.flatnonzero(mask).tolist()
            tally.reject(reason, len(indexes), ((rows.lines[index], rows.times[index]) for index in indexes))
            good[indexes] = False
        return good

    def _count_repeated(self, times: Times, lines: npt.NDArray[np.int64], tally: Tally) -> bool:
        """Count rows whose time came before, here or in the rows just before; tell whether some are superseded here."""
        rising = bool((np.diff(times) > 0).all())
        repeated = np.zeros(len(times), dtype=bool)
        if not rising:
            repeated[:] = True
            repeated[np.unique(times, return_index=True)[1]] = False
        within = bool(repeated.any())
        if len(times) and len(self._before) and times.min() <= self._before.max():
            repeated |= np.isin(times, self._before)
        indexes = np.flatnonzero(repeated).tolist()
        told = ((int(lines[index]), from_us(int(times[index])).isoformat()) for index in indexes)
        tally.reject("duplicate time, the later row won", len(indexes), told)
        self._before = times
        return within

    def _count_faults(
        self, index: int, texts: Sequence[str], values: npt.NDArray[np.float64], lines: Sequence[int], tally: Tally
    ) -> None:
        """Count the cells of a column that are no values."""
        if np.isfinite(values).all():
            return
        tally.empty += int(np.isnan(values).sum())
        name = self._columns[index].column
        faults: list[tuple[Reason, float]] = [
            ("unparsable number", UNPARSABLE_NUMBER),
            ("not finite", NOT_FINITE),
        ]
        for reason, mark in faults:
            indexes = np.flatnonzero(values == mark).tolist()
            tally.reject(reason, len(indexes), ((lines[at], f"{name} {texts[at][:40]}") for at in indexes))


def _join(parts: Sequence[tuple[int, Times, npt.NDArray[np.float64]]]) -> SampleBatch:
    return SampleBatch(
        np.concatenate([np.full(len(times), series_id, dtype=np.int32) for series_id, times, _ in parts]),
        np.concatenate([times for _, times, _ in parts]),
        np.concatenate([values for _, _, values in parts]),
    )
