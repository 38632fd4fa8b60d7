"""The header is held against the mapping; every line after it is a row or is told why it is none."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from aetherlens.collector.csv_import.lines import MAX_LINE_CHARACTERS, TextFile
from aetherlens.collector.csv_import.mapping import CsvMapping
from aetherlens.collector.csv_import.rows import RowReader, Rows
from aetherlens.collector.errors import UnusableFileError


def mapping(**changes: Any) -> CsvMapping:
    raw: dict[str, Any] = {
        "time": {"column": "time", "format": "unix"},
        "columns": [{"column": "power", "device_id": "d", "metric_type": "power", "unit": "W"}],
    }
    return msgspec.convert({**raw, **changes}, CsvMapping)


def read(folder: Path, content: str, count: int = 100, after_line: int = 1, **changes: Any) -> list[Rows]:
    path = folder / "file.csv"
    path.write_text(content, newline="")
    wanted = mapping(**changes)
    with TextFile(path, wanted.encoding) as file:
        return list(RowReader(file, wanted).rows(count, after_line))


def test_columns_are_found_by_name_wherever_they_stand(tmp_path: Path) -> None:
    (rows,) = read(tmp_path, " power ,x,time\n1,y, 100 \n2,y,200\n")
    assert (list(rows.lines), list(rows.times), [list(cells) for cells in rows.cells]) == (
        [2, 3],
        ["100", "200"],
        [["1", "2"]],
    )
    assert (rows.last_line, rows.tally.rows) == (3, 2)


def test_a_time_may_lie_in_several_columns(tmp_path: Path) -> None:
    time = {"column": ["Date", "Time"], "format": "iso", "zone": "+00:00"}
    (rows,) = read(tmp_path, "Date;Time;power\n2007-03-01; 00:01:00;5\n", delimiter=";", time=time)
    assert list(rows.times) == ["2007-03-01 00:01:00"]


def test_quoted_cells_may_hold_the_delimiter(tmp_path: Path) -> None:
    (rows,) = read(tmp_path, 'time,"power","a ""b"", c"\n100,"1,5","x,y"\n200,2,z\n')
    assert [list(cells) for cells in rows.cells] == [["1,5", "2"]]


def test_lines_that_are_no_rows_are_counted_with_their_number(tmp_path: Path) -> None:
    content = f'time,power\n100,1\n\n100\n1,2,3\n100,"1\n{"x" * (MAX_LINE_CHARACTERS + 1)}\n300,3\n'
    (rows,) = read(tmp_path, content)
    assert list(rows.lines) == [2, 8]
    assert rows.tally.rejected == {"wrong number of columns": 3, "line too long": 1}
    assert rows.tally.rows == 6
    assert rows.tally.examples["wrong number of columns"] == ["line 4: '100'", "line 5: '1,2,3'", "line 6: '100,\"1'"]
    assert rows.tally.examples["line too long"][0].startswith("line 7")


def test_a_file_without_any_good_row_gives_none(tmp_path: Path) -> None:
    (rows,) = read(tmp_path, "time,power\n1\n\n")
    assert not rows.times
    assert not rows.cells[0]
    assert rows.last_line == 3
    assert read(tmp_path, "time,power\n") == []


@pytest.mark.parametrize("after_line", [1, 2, 7, 4999, 5000, 30_000, 50_000, 50_001, 60_000])
@pytest.mark.parametrize("count", [1000, 7, 100_000])
def test_reading_goes_on_after_any_line(tmp_path: Path, after_line: int, count: int) -> None:
    content = "time,power\n" + "".join(f"{line},{line}\n" for line in range(2, 50_002))
    parts = read(tmp_path, content, count, after_line)
    lines = [line for part in parts for line in part.lines]
    assert lines == list(range(after_line + 1, 50_002))
    assert [text for part in parts for text in part.times] == [str(line) for line in lines]
    assert all(len(part.lines) <= count for part in parts)
    assert [part.last_line for part in parts] == [part.lines[-1] for part in parts]


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        ("", "is empty"),
        ("\n\n", "one column|no column"),
        ("x" * (MAX_LINE_CHARACTERS + 1), "far too long"),
        ("time,Powr\n", r"no column 'power' \(did you mean 'Powr'\?\)"),
        ("a,b\n", r"no column 'time' .*, 'power' \(known here: 'a', 'b'\)"),
        ("time;power\n1;2\n", r'delimiter: ";"'),
        ("time\tpower\n1\t2\n", r'delimiter: "\\t"'),
        ("time,power,power\n", "more than one column 'power'"),
        ("\x1b[2J\0,b\n", r"\\x1b"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_with_a_hint(tmp_path: Path, content: str, hint: str) -> None:
    with pytest.raises(UnusableFileError, match=hint):
        read(tmp_path, content)
