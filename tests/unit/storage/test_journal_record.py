"""A batch comes out of its payload as it went in."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from aetherlens.storage.journal_record import NamedBatch, SeriesName, decode, encode

names = st.builds(
    SeriesName,
    device_id=st.text(min_size=1, max_size=8),
    metric_type=st.just("power"),
    unit=st.sampled_from(["W", "µg/m³"]),
    tags=st.dictionaries(st.text(max_size=4), st.text(max_size=4), max_size=2),
    plugin_id=st.just("api"),
)
samples = st.lists(
    st.tuples(st.integers(0, 2), st.integers(-(2**62), 2**62), st.floats(allow_nan=False)), min_size=1, max_size=30
)


def named(series: list[SeriesName], rows: list[tuple[int, int, float]]) -> NamedBatch:
    places, ts_us, values = zip(*rows, strict=True)
    return NamedBatch(series, np.array(places, np.int32), np.array(ts_us, np.int64), np.array(values, np.float64))


@given(st.lists(names, min_size=3, max_size=3), samples)
def test_it_comes_back_bit_for_bit(series: list[SeriesName], rows: list[tuple[int, int, float]]) -> None:
    back = decode(encode(named(series, rows)))
    assert back.series == series
    assert list(zip(back.places.tolist(), back.ts_us.tolist(), back.values.tolist(), strict=True)) == rows
    assert [math.copysign(1, value) for value in back.values] == [math.copysign(1, row[2]) for row in rows]


def test_samples_of_a_series_without_an_id_are_left_out() -> None:
    series = [
        SeriesName(device_id=name, metric_type="power", unit="W", tags={}, plugin_id="api") for name in ("a", "b")
    ]
    batch = named(series, [(0, 1, 1.0), (1, 2, 2.0), (0, 3, 3.0)])
    assert batch.numbered([40, -1]).values.tolist() == [1.0, 3.0]
    assert batch.numbered([40, 41]).series_ids.tolist() == [40, 41, 40]


def test_a_thousand_series_take_little_room() -> None:
    series = [
        SeriesName(device_id=f"meter-{n}", metric_type="power", unit="W", tags={}, plugin_id="api") for n in range(1000)
    ]
    rows = [(place, 1_800_000_000_000_000, 230.0 + place % 7) for place in range(1000)]
    assert len(encode(named(series, rows))) < 15_000
