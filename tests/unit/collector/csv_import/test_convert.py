"""Every cell becomes a sample or is counted with its reason; no cell takes others with it."""

import random
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aetherlens.collector.csv_import.convert import Converted, Converter
from aetherlens.collector.csv_import.lines import TextFile
from aetherlens.collector.csv_import.mapping import CsvMapping
from aetherlens.collector.csv_import.rows import RowReader
from aetherlens.collector.csv_import.tally import Tally
from aetherlens.collector.csv_import.zones import Order
from aetherlens.collector.errors import UnusableFileError
from aetherlens.lib.clock import SECOND_US

START_S = 1_172_703_600
LATEST_S = 2_000_000_000

Sample = tuple[int, int, float]


def mapping(**changes: Any) -> CsvMapping:
    raw: dict[str, Any] = {
        "time": {"column": "t", "format": "unix"},
        "columns": [
            {"column": "p", "device_id": "d", "metric_type": "power", "unit": "kW"},
            {"column": "v", "device_id": "d", "metric_type": "voltage", "unit": "V"},
        ],
    }
    return msgspec.convert({**raw, **changes}, CsvMapping)


def convert(path: Path, count: int = 1000, **changes: Any) -> tuple[list[Converted], Tally]:
    wanted = mapping(**changes)
    order, all_of_it, tally = Order(), list[Converted](), Tally()
    with TextFile(path, wanted.encoding) as file:
        converter = Converter(wanted, [1, 2], LATEST_S * SECOND_US)
        for rows in RowReader(file, wanted).rows(count):
            converted = converter.convert(rows, order)
            order = converted.order
            all_of_it.append(converted)
            tally.add(converted.tally)
    return all_of_it, tally


def write(folder: Path, *rows: str) -> Path:
    path = folder / "file.csv"
    path.write_text("\n".join(["t,p,v", *rows, ""]))
    return path


def samples(converted: list[Converted]) -> list[Sample]:
    return [
        (int(series_id), int(ts_us) // SECOND_US - START_S, float(value))
        for one in converted
        for series_id, ts_us, value in zip(one.batch.series_ids, one.batch.ts_us, one.batch.values, strict=True)
    ]


def test_a_batch_holds_series_by_series(tmp_path: Path) -> None:
    converted, tally = convert(write(tmp_path, f"{START_S},0.226,243.19", f"{START_S + 60},1.001,"))
    assert samples(converted) == [(1, 0, 226.0), (1, 60, 1001.0), (2, 0, 243.19)]
    assert (tally.rows, tally.samples, tally.empty, tally.rejected) == (2, 3, 1, {})
    assert (tally.first_us, tally.last_us) == (START_S * SECOND_US, (START_S + 60) * SECOND_US)


def test_a_bad_cell_leaves_the_rest_of_its_row(tmp_path: Path) -> None:
    rows = [f"{START_S},24x.1,230", f"{START_S + 1},1,inf", f"{START_S + 2},?,\0"]
    converted, tally = convert(write(tmp_path, *rows))
    assert samples(converted) == [(1, 1, 1000.0), (2, 0, 230.0)]
    assert tally.rejected == {"unparsable number": 2, "not finite": 1}
    assert tally.empty == 1
    assert tally.examples == {
        "unparsable number": ["line 2: 'p 24x.1'", "line 4: 'v \\x00'"],
        "not finite": ["line 3: 'v inf'"],
    }


def test_a_row_without_a_usable_time_is_left_out_by_reason(tmp_path: Path) -> None:
    rows = ["x,1,1", "946684799,1,1", "946684800,1,1", f"{LATEST_S},1,1", f"{LATEST_S + 1},1,1"]
    converted, tally = convert(write(tmp_path, *rows))
    assert [time for _, time, _ in samples(converted)] == [946684800 - START_S, LATEST_S - START_S] * 2
    assert tally.rejected == {"unparsable time": 1, "before 2000": 1, "in the future": 1}
    assert tally.examples["in the future"] == ["line 6: '2000000001'"]


def test_a_nonexistent_local_time_is_left_out(tmp_path: Path) -> None:
    time = {"column": "t", "format": "iso", "zone": "Europe/Paris"}
    path = write(tmp_path, "2026-03-29T01:59:00,1,1", "2026-03-29T02:00:00,1,1", "2026-03-29T03:00:00,1,1")
    converted, tally = convert(path, time=time)
    assert len(samples(converted)) == 4
    assert tally.rejected == {"nonexistent local time": 1}


@pytest.mark.parametrize("count", [1000, 2, 1])
def test_of_rows_with_one_time_the_last_wins_and_the_others_are_counted(tmp_path: Path, count: int) -> None:
    rows = [f"{START_S},1,230", f"{START_S},2,", f"{START_S + 60},3,231", f"{START_S + 60},4,232"]
    converted, tally = convert(write(tmp_path, *rows), count)
    stored = {(series_id, time): value for series_id, time, value in samples(converted)}
    assert stored == {(1, 0): 2000.0, (1, 60): 4000.0, (2, 0): 230.0, (2, 60): 232.0}
    assert tally.rejected == {"duplicate time, the later row won": 2}
    for one in converted:
        keys = list(zip(one.batch.series_ids.tolist(), one.batch.ts_us.tolist(), strict=True))
        assert len(set(keys)) == len(keys)


def test_any_order_of_rows_gives_the_same_samples(tmp_path: Path) -> None:
    rows = [f"{START_S + 60 * number},{number},{number}" for number in range(500)]
    forward, _ = convert(write(tmp_path, *rows), 100)
    random.Random(1).shuffle(rows)
    shuffled, tally = convert(write(tmp_path, *rows), 100)
    assert sorted(samples(forward)) == sorted(samples(shuffled))
    assert not tally.rejected


def test_the_first_good_row_is_told_in_words(tmp_path: Path) -> None:
    converted, _ = convert(write(tmp_path, "x,1,1", f"{START_S},0.226,?"), 1)
    assert converted[1].told == (
        "line 3: time '1172703600' is 2007-02-28T23:00:00+00:00",
        "p '0.226' kW is d power 226.0 W",
        "v '?' V is d voltage no sample",
    )
    assert converted[0].told == ()


def test_only_the_first_examples_of_a_reason_are_kept(tmp_path: Path) -> None:
    _, tally = convert(write(tmp_path, *(f"{START_S + number},x,y" for number in range(100))), 10)
    assert tally.rejected == {"unparsable number": 200}
    assert tally.examples["unparsable number"] == ["line 2: 'p x'", "line 3: 'p x'", "line 4: 'p x'"]


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=2000), st.sampled_from(["utf-8", "utf-16", "cp1252"]))
def test_no_content_breaks_it_and_every_row_is_accounted_for(
    tmp_path_factory: pytest.TempPathFactory, junk: bytes, encoding: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "junk.csv"
    path.write_bytes("t,p,v\n1172703600,1,2\n".encode(encoding) + junk)
    try:
        converted, tally = convert(path, 3, encoding=encoding)
    except UnusableFileError:
        return
    assert tally.rows >= 1
    assert (1, 0, 1000.0) in samples(converted) or tally.rejected
    assert sum(len(one.batch) for one in converted) == tally.samples <= 2 * tally.rows
