"""The current value is the newest sample, in whatever order samples arrive."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aetherlens.lib.clock import SECOND_US
from aetherlens.processor.live import ACTIVE_US, LiveState
from aetherlens.storage.samples import SampleBatch
from aetherlens.storage.series import Series, SeriesRegistry

Sample = tuple[int, int, float]


class Registry(SeriesRegistry):
    """A registry that knows every series without a database."""

    def __init__(self, device_types: Mapping[int, str] | None = None) -> None:
        self._types = device_types or {}

    def by_id(self, series_id: int) -> Series:
        """Two series make a device."""
        return Series(
            series_id=series_id,
            device_id=f"device-{series_id // 2}",
            metric_type="power",
            unit="W",
            tags={},
            device_type=self._types.get(series_id // 2, "meter"),
        )


def batch(*samples: Sample) -> SampleBatch:
    ids, times, values = zip(*samples, strict=True)
    return SampleBatch.from_lists(ids, times, values)


@pytest.fixture
def live() -> LiveState:
    return LiveState(Registry())


def known(live: LiveState) -> dict[int, tuple[int, float]]:
    return {current.series.series_id: (current.ts_us, current.value) for current in live.all()}


def test_the_newest_sample_of_a_batch_is_current(live: LiveState) -> None:
    changed = live.update(batch((1, 10, 1.0), (1, 30, 3.0), (1, 20, 2.0), (2, 5, 9.0)))
    assert [(one.series.series_id, one.ts_us, one.value) for one in changed] == [(1, 30, 3.0), (2, 5, 9.0)]
    assert known(live) == {1: (30, 3.0), 2: (5, 9.0)}


def test_a_series_that_gets_another_id_keeps_its_newest_value(live: LiveState) -> None:
    live.update(batch((-1, 30, 3.0), (-2, 10, 1.0), (-3, 5, 5.0), (2, 20, 2.0)))
    live.rename({-1: 1, -2: 2, -9: 9})
    assert known(live) == {1: (30, 3.0), 2: (20, 2.0), -3: (5, 5.0)}


def test_a_late_batch_changes_nothing_and_is_no_news(live: LiveState) -> None:
    live.update(batch((1, 30, 3.0)))
    assert live.update(batch((1, 20, 2.0), (1, 29, 9.0))) == []
    assert known(live) == {1: (30, 3.0)}


def test_a_sample_that_is_sent_again_corrects_the_current_value(live: LiveState) -> None:
    live.update(batch((1, 30, 3.0)))
    assert len(live.update(batch((1, 30, 4.0)))) == 1
    assert known(live) == {1: (30, 4.0)}


def test_of_two_with_the_same_time_the_later_one_stands(live: LiveState) -> None:
    live.update(batch((1, 30, 3.0), (1, 30, 4.0)))
    assert known(live) == {1: (30, 4.0)}


samples = st.tuples(st.integers(0, 3), st.integers(0, 20), st.floats(-9, 9))


@given(st.lists(st.lists(samples, min_size=1, max_size=6), max_size=8))
def test_any_order_of_batches_leads_to_the_newest_of_all(batches: list[list[Sample]]) -> None:
    live = LiveState(Registry())
    expected: dict[int, tuple[int, float]] = {}
    for one in batches:
        live.update(batch(*one))
        for series_id, ts_us, value in one:
            if series_id not in expected or ts_us >= expected[series_id][0]:
                expected[series_id] = (ts_us, value)
    assert known(live) == expected


def test_a_device_was_last_seen_with_the_newest_of_its_series(live: LiveState) -> None:
    live.update(batch((2, 10, 1.0), (3, 40, 1.0), (4, 99, 1.0)))
    assert live.last_seen_us([2, 3]) == 40
    assert live.last_seen_us([77]) is None
    assert live.last_seen_us([]) is None


def test_devices_with_a_recent_sample_are_active_each_once() -> None:
    live = LiveState(Registry({0: "plug", 1: "plug", 2: "meter", 3: "meter"}))
    now_us = 10_000 * SECOND_US
    old_us = now_us - ACTIVE_US - 1
    live.update(
        batch((0, now_us, 1.0), (1, now_us, 1.0), (2, now_us - ACTIVE_US, 1.0), (4, now_us, 1.0), (6, old_us, 1.0))
    )
    assert live.active_devices(now_us) == {"plug": 2, "meter": 1}
