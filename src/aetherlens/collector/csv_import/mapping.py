"""The mapping of a CSV file: which column is the time, and which device's metric each of the others is.

`config/import/household.yaml` is the commented reference; a test holds it against these records.
"""

import difflib
import hashlib
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import yaml
from msgspec import Meta

from aetherlens.collector.csv_import.times import check_format, needs_zone
from aetherlens.collector.csv_import.zones import parse_zone
from aetherlens.collector.errors import MappingError
from aetherlens.collector.normalise import DEVICE_ID, METRIC_TYPE
from aetherlens.domain.units import UnitError, canonical
from aetherlens_sdk.device import Role

Text = Annotated[str, Meta(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f]*$")]
Encoding = Literal["utf-8", "utf-16", "iso-8859-1", "iso-8859-15", "cp1250", "cp1252"]

#: Known words that a hint lists.
_KNOWN_SHOWN = 20


class _Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class TimeColumn(_Section, frozen=True, kw_only=True):
    """Where and how the file writes its times."""

    #: The column's name, or those of several (date, time) whose texts are joined by a space.
    column: Text | Annotated[tuple[Text, ...], Meta(min_length=1, max_length=4)]
    #: A strptime format, ``iso`` (ISO 8601) or ``unix`` (seconds since 1970 UTC).
    format: Text
    #: Fixed offset such as ``+01:00`` or IANA name such as ``Europe/Paris``; counts for times that
    #: carry no offset of their own; only ``unix`` and formats with ``%z`` do without.
    zone: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the names of all columns that make up the time."""
        return (self.column,) if isinstance(self.column, str) else self.column


class Column(_Section, frozen=True, kw_only=True):
    """One column of values and where they go."""

    #: Name in the file's first line.
    column: Text
    device_id: str
    metric_type: str
    #: Unit of the file's numbers; stored in the canonical unit of the metric type.
    unit: str
    #: What is known of the device; several columns of one device need say it only once.
    device_name: Text | None = None
    room: Text | None = None
    role: Role | None = None


class CsvMapping(_Section, frozen=True, kw_only=True):
    """All of a mapping file."""

    time: TimeColumn
    columns: Annotated[tuple[Column, ...], Meta(min_length=1, max_length=1000)]
    #: One character between the cells.
    delimiter: Annotated[str, Meta(min_length=1, max_length=1, pattern='^[^"\\n\\r]*$')] = ","
    #: The decimal sign.
    decimal: Literal[".", ","] = "."
    encoding: Encoding = "utf-8"
    #: Texts that stand for "no value".
    missing: tuple[str, ...] = ("", "?", "NA", "NaN", "null")

    def fingerprint(self) -> str:
        """Return a hash of what the mapping says; comments and layout of its file do not count."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()


def read_mapping(path: Path) -> CsvMapping:
    """Read and check a mapping file. Raises MappingError with the file, the key and a hint."""
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise MappingError(f"the mapping {path} does not exist") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise MappingError(f"the mapping {path} cannot be read: {error}") from error
    if not isinstance(raw, dict):
        raise MappingError(f"{path} must hold time: and columns:")
    try:
        mapping = _convert(raw)
        _check(mapping)
    except MappingError as error:
        raise MappingError(f"{path}: {error}") from error
    return mapping


def did_you_mean(word: str, known: Sequence[str], show: Callable[[str], str] = str) -> str:
    """Return a hint that names the closest known word, or the first of them where none is close."""
    by_lower = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), by_lower, n=1)
    if close:
        return f"did you mean {show(by_lower[close[0]])}?"
    return f"known here: {', '.join(show(name) for name in known[:_KNOWN_SHOWN])}"


def _convert(raw: dict[str, Any]) -> CsvMapping:
    try:
        return msgspec.convert(raw, CsvMapping)
    except msgspec.ValidationError as error:
        raise MappingError(_explain(str(error))) from error


def _explain(message: str) -> str:
    """Turn msgspec's words into ``path: what is wrong (did you mean …)``."""
    problem, _, where = message.partition(" - at `$")
    path = where.rstrip("`").lstrip(".")
    unknown = re.search(r"unknown field `([^`]+)`", problem)
    if unknown is None:
        # YAML takes an unquoted null or +10:00 for something other than text.
        quotes = "; put it in quotes" if problem.startswith("Expected `str") and "got `" in problem else ""
        return f"{path}: {problem}{quotes}" if path else problem
    section = Column if path.startswith("columns[") else TimeColumn if path == "time" else CsvMapping
    known = [field.name for field in msgspec.structs.fields(section)]
    full = f"{path}.{unknown[1]}" if path else unknown[1]
    return f"{full}: there is no such key; {did_you_mean(unknown[1], known)}"


def _check(mapping: CsvMapping) -> None:
    """Check what the records' types cannot say. Raises MappingError."""
    _check_time(mapping.time)
    for index, column in enumerate(mapping.columns):
        try:
            _check_column(column)
        except MappingError as error:
            raise MappingError(f"columns[{index}].{error}") from error
    seen: set[tuple[str, str]] = set()
    for index, column in enumerate(mapping.columns):
        if (column.device_id, column.metric_type) in seen:
            raise MappingError(f"columns[{index}]: {column.device_id} has a column for {column.metric_type} already")
        seen.add((column.device_id, column.metric_type))
        for field in ("device_name", "room", "role"):
            said = {getattr(one, field) for one in mapping.columns if one.device_id == column.device_id} - {None}
            if len(said) > 1:
                raise MappingError(f"columns[{index}].{field}: {column.device_id} has two: {sorted(said)}")


def _check_time(time: TimeColumn) -> None:
    try:
        check_format(time.format)
    except ValueError as error:
        raise MappingError(f"time.format: {error}") from error
    if not time.zone and needs_zone(time.format):
        raise MappingError(
            'time.zone: say which clock the times follow: a fixed offset such as "+01:00", or an IANA name such as '
            "Europe/Paris for a clock that changes to summer time"
        )
    try:
        parse_zone(time.zone)
    except ValueError as error:
        raise MappingError(f"time.zone: {error}") from error


def _check_column(column: Column) -> None:
    if not DEVICE_ID.fullmatch(column.device_id):
        raise MappingError("device_id: 1 to 128 letters, digits and . _ : - that begin with a letter or digit")
    if not METRIC_TYPE.fullmatch(column.metric_type):
        raise MappingError("metric_type: 1 to 64 lower-case letters, digits and _ that begin with a letter")
    try:
        canonical(column.metric_type, column.unit)
    except UnitError as error:
        raise MappingError(f"unit: {error}") from error
    if not column.unit.isprintable():
        raise MappingError("unit: a unit is printable text")
