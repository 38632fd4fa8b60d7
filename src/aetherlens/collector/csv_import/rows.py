"""Rows of a CSV file: the header resolved against the mapping, then the mapped cells of many rows at a time."""

import csv
import json
from collections.abc import Iterator, Sequence
from itertools import chain

import msgspec

from aetherlens.collector.csv_import.lines import TOO_LONG, TextFile
from aetherlens.collector.csv_import.mapping import CsvMapping, did_you_mean
from aetherlens.collector.csv_import.tally import Tally, shown
from aetherlens.collector.errors import UnusableFileError

#: Other delimiters, for a hint.
_DELIMITERS = {";": "a semicolon", "\t": "a tab", ",": "a comma", "|": "a bar"}


class Rows(msgspec.Struct, frozen=True, kw_only=True):
    """The mapped cells of consecutive lines."""

    #: Line of each row, the header being line 1.
    lines: Sequence[int]
    #: Text of each row's time, without space around it.
    times: Sequence[str]
    #: For each column of the mapping, the cell of each row.
    cells: Sequence[Sequence[str]]
    #: Last line of the file that these rows cover, those refused included.
    last_line: int
    #: How much of the file had been read then, in bytes as it lies on disk.
    read_bytes: int
    #: Rows seen and refused on the way.
    tally: Tally


class RowReader:
    """Reads an open file. Its first line names the columns; every line after it is one row."""

    def __init__(self, file: TextFile, mapping: CsvMapping) -> None:
        """Read the header. Raises UnusableFileError when a column of the mapping is not in it."""
        self._file = file
        self._delimiter = mapping.delimiter
        self._blocks = file.blocks()
        first = next((block for block in self._blocks if block), [])
        if not first or first[0] == TOO_LONG:
            raise UnusableFileError("the file is empty" if not first else "the file's first line is far too long")
        self._rest = first[1:]
        header = [name.strip() for name in self._cells(first[0])]
        self._width = len(header)
        self._time_indexes, self._cell_indexes = _resolve(header, mapping)

    def rows(self, count: int, after_line: int = 1) -> Iterator[Rows]:
        """Yield what comes after a line, at most `count` rows at a time.

        Raises UnusableFileError where the file is damaged, after what comes before.
        """
        waiting: list[str] = []
        line = 1
        damage = None
        try:
            for block in chain([self._rest], self._blocks):
                skipped = min(len(block), max(0, after_line - line - len(waiting)))
                line += skipped
                waiting += block[skipped:]
                while len(waiting) >= count:
                    yield self._take(waiting[:count], line)
                    waiting, line = waiting[count:], line + count
        except UnusableFileError as error:
            damage = error
        if waiting:
            yield self._take(waiting, line)
        if damage is not None:
            raise damage

    def _take(self, texts: list[str], before: int) -> Rows:
        """Split lines of which the first follows line `before`."""
        tally = Tally()
        lines: Sequence[int] = range(before + 1, before + 1 + len(texts))
        if any('"' in text for text in texts):
            rows = [self._cells(text) for text in texts]
        else:
            rows = [text.split(self._delimiter) for text in texts]
        if set(map(len, rows)) != {self._width} or "" in texts:
            lines, rows = self._well_formed(texts, lines, rows, tally)
        tally.rows += len(rows)
        columns = list(zip(*rows, strict=True)) or [()] * self._width
        return Rows(
            lines=lines,
            times=self._times(columns),
            cells=[columns[index] for index in self._cell_indexes],
            last_line=before + len(texts),
            read_bytes=self._file.read_bytes,
            tally=tally,
        )

    def _well_formed(
        self, texts: list[str], lines: Sequence[int], rows: list[list[str]], tally: Tally
    ) -> tuple[list[int], list[list[str]]]:
        """Leave out empty lines, and count and leave out those that are no rows."""
        too_long = [(line, "") for line, text in zip(lines, texts, strict=True) if text == TOO_LONG]
        tally.reject("line too long", len(too_long), too_long)
        torn = [
            (line, text)
            for line, text, row in zip(lines, texts, rows, strict=True)
            if len(row) != self._width and text not in {"", TOO_LONG}
        ]
        tally.reject("wrong number of columns", len(torn), torn)
        tally.rows += len(too_long) + len(torn)
        good = [
            (line, row)
            for line, text, row in zip(lines, texts, rows, strict=True)
            if len(row) == self._width and text not in {"", TOO_LONG}
        ]
        return [line for line, _ in good], [row for _, row in good]

    def _cells(self, text: str) -> list[str]:
        """Return the cells of one line, quotes taken off; none where a quote does not end."""
        if '"' not in text:
            return text.split(self._delimiter)
        try:
            return next(csv.reader([text], delimiter=self._delimiter, strict=True), [])
        except csv.Error:
            return []

    def _times(self, columns: Sequence[Sequence[str]]) -> list[str]:
        if len(self._time_indexes) == 1:
            return [text.strip() for text in columns[self._time_indexes[0]]]
        parts = zip(*(columns[index] for index in self._time_indexes), strict=True)
        return [" ".join(map(str.strip, texts)) for texts in parts]


def _resolve(header: Sequence[str], mapping: CsvMapping) -> tuple[list[int], list[int]]:
    """Return the positions of the time's columns and of the values'. Raises UnusableFileError."""
    times = mapping.time.columns
    values = [column.column for column in mapping.columns]
    wanted = list(dict.fromkeys([*times, *values]))
    missing = [name for name in wanted if name not in header]
    if missing:
        raise UnusableFileError(_missing(missing, header, mapping.delimiter))
    twice = [name for name in wanted if header.count(name) > 1]
    if twice:
        raise UnusableFileError(f"the file has more than one column {shown(twice[0])}")
    return [header.index(name) for name in times], [header.index(name) for name in values]


def _missing(missing: Sequence[str], header: Sequence[str], delimiter: str) -> str:
    if len(header) == 1:
        for other, name in _DELIMITERS.items():
            if other != delimiter and other in header[0]:
                return (
                    f"the file's first line is one column only, {shown(header[0])}; it looks separated by {name}: "
                    f"put delimiter: {json.dumps(other)} into the mapping"
                )
    hints = [f"{shown(name)} ({did_you_mean(name, header, shown)})" for name in missing[:10]]
    return f"the file has no column {', '.join(hints)}"
