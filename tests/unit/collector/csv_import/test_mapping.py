"""A mapping says what is wrong with it, where, and what would be right."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from aetherlens.collector.csv_import.mapping import Column, CsvMapping, TimeColumn, read_mapping
from aetherlens.collector.errors import MappingError

ROOT = Path(__file__).resolve().parents[4]
REFERENCE = ROOT / "config" / "import" / "household.yaml"

GOOD = """
time: {column: t, format: "%Y-%m-%d %H:%M", zone: Europe/Paris}
columns:
  - {column: p, device_id: meter, metric_type: power, unit: kW, device_name: Meter}
  - {column: v, device_id: meter, metric_type: voltage, unit: V}
"""


def read(folder: Path, text: str) -> CsvMapping:
    path = folder / "mapping.yaml"
    path.write_text(text)
    return read_mapping(path)


def test_what_is_left_out_has_a_default(tmp_path: Path) -> None:
    mapping = read(tmp_path, GOOD)
    assert (mapping.delimiter, mapping.decimal, mapping.encoding) == (",", ".", "utf-8")
    assert mapping.missing == ("", "?", "NA", "NaN", "null")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("time:", "tiem:", "tiem: there is no such key; did you mean time?"),
        ("zone: Europe", "zoen: Europe", "time.zoen: there is no such key; did you mean zone?"),
        ("unit: V", "unti: V", "columns[1].unti: there is no such key; did you mean unit?"),
        ("unit: kW", "unit: kw", "columns[0].unit: power is measured in W, mW, kW"),
        ("unit: V", "role: load", "columns[1]: Object missing required field `unit`"),
        ("unit: V", "unit: V, role: lord", "columns[1].role: Invalid enum value 'lord'"),
        ("unit: V", 'unit: V, room: ""', "columns[1].room: Expected `str` of length >= 1"),
        ("unit: V", "unit: V, device_name: Other", "columns[0].device_name: meter has two: ['Meter', 'Other']"),
        ("device_id: meter, metric_type: voltage", "device_id: -m, metric_type: voltage", "columns[1].device_id: 1 to"),
        ("metric_type: voltage", "metric_type: Voltage", "columns[1].metric_type: 1 to 64 lower-case"),
        ("metric_type: voltage, unit: V", "metric_type: power, unit: W", "columns[1]: meter has a column for power"),
        ("Europe/Paris", "Europe/Pariss", "time.zone: there is no time zone 'Europe/Pariss'; did you mean"),
        ("Europe/Paris", "+10:00", "time.zone: Expected `str`, got `int`; put it in quotes"),
        (", zone: Europe/Paris", "", "time.zone: say which clock"),
        ('"%Y-%m-%d %H:%M"', '"%Y"', "time.format: '%Y' does not tell the day"),
        ("columns:", 'delimiter: ";;"\ncolumns:', "delimiter: Expected `str` of length <= 1"),
        ("columns:", "encoding: utf8\ncolumns:", "encoding: Invalid enum value 'utf8'"),
        ("columns:", "missing: [null]\ncolumns:", "missing[0]: Expected `str`, got `null`; put it in quotes"),
        ("columns:", "column:", "column: there is no such key; did you mean columns?"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(MappingError, match=re.escape(f"mapping.yaml: {message}")):
        read(tmp_path, GOOD.replace(old, new, 1))


@pytest.mark.parametrize("text", ["", "- 1", "5", "time: [", "\0", "time: {}\ncolumns: []", "time: t\ncolumns: c"])
def test_what_is_no_mapping_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(MappingError, match=r"mapping\.yaml"):
        read(tmp_path, text)


def test_a_mapping_that_is_missing_or_binary_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match="does not exist"):
        read_mapping(tmp_path / "none.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(MappingError, match="cannot be read"):
        read_mapping(tmp_path / "binary.yaml")


def test_its_fingerprint_follows_what_it_says_and_not_how_it_looks(tmp_path: Path) -> None:
    mapping = read(tmp_path, GOOD)
    assert read(tmp_path, f"# comment\ndelimiter: ','\n{GOOD}").fingerprint() == mapping.fingerprint()
    assert read(tmp_path, GOOD.replace("kW", "W")).fingerprint() != mapping.fingerprint()


def test_the_reference_shows_every_key_with_its_default() -> None:
    raw: dict[str, Any] = yaml.safe_load(REFERENCE.read_text(encoding="utf-8"))
    mapping = read_mapping(REFERENCE)
    for section, shown in ((CsvMapping, raw), (TimeColumn, raw["time"]), (Column, raw["columns"][0])):
        assert set(shown) == {field.name for field in msgspec.structs.fields(section)}
    for field in msgspec.structs.fields(CsvMapping):
        if not field.required:
            assert getattr(mapping, field.name) == field.default


def test_the_documentation_names_every_key() -> None:
    text = (ROOT / "docs" / "import.md").read_text(encoding="utf-8")
    for section in (CsvMapping, TimeColumn, Column):
        for field in msgspec.structs.fields(section):
            assert f"`{field.name}`" in text
