"""Energy and coverage of single cases worked out by hand; the property tests stand with the database."""

import numpy as np
import pytest

from aetherlens.domain.aggregate import GAP_US, Aggregates, Quantity, aggregate

MINUTE_US = 60_000_000


def buckets(samples: dict[float, float], edges: list[float], quantity: Quantity) -> Aggregates:
    """Aggregate samples and bounds given in minutes."""
    times = np.array([minute * MINUTE_US for minute in samples], dtype=np.int64)
    bounds = np.array([minute * MINUTE_US for minute in edges], dtype=np.int64)
    return aggregate(times, np.array(list(samples.values()), dtype=np.float64), bounds, quantity, GAP_US)


def test_power_holds_until_the_next_sample_and_is_split_at_the_bound() -> None:
    found = buckets({0: 600.0, 4: 1200.0, 8: 0.0}, [0, 6, 12], Quantity.POWER)
    assert found.energy_kwh.tolist() == pytest.approx([0.08, 0.04])
    assert found.coverage.tolist() == pytest.approx([1, 1 / 3])
    assert found.time_avg.tolist() == pytest.approx([800, 1200])


def test_nothing_is_invented_across_a_gap() -> None:
    found = buckets({0: 600.0, 5: 600.0, 10.1: 600.0}, [0, 15], Quantity.POWER)
    assert found.energy_kwh.tolist() == pytest.approx([0.05])
    assert found.coverage.tolist() == pytest.approx([1 / 3])


def test_a_counters_rise_is_spread_over_its_gap() -> None:
    found = buckets({0: 10.0, 60: 16.0}, [0, 15, 30, 45, 60, 75], Quantity.COUNTER)
    assert found.energy_kwh.tolist()[:4] == pytest.approx([1.5] * 4)
    assert found.samples.tolist() == [1, 0, 0, 0, 1]
    assert found.coverage.tolist() == [0] * 5


def test_a_reset_is_no_energy() -> None:
    found = buckets({0: 10.0, 1: 11.0, 2: 0.5, 3: 1.5}, [0, 15], Quantity.COUNTER)
    assert found.energy_kwh.tolist() == pytest.approx([2])


def test_a_gauge_has_no_energy() -> None:
    assert np.isnan(buckets({0: 1.0, 1: 2.0}, [0, 15], Quantity.GAUGE).energy_kwh).all()


def test_percentiles_lie_between_the_nearest_ranks() -> None:
    found = buckets({0: 4.0, 1: 1.0, 2: 3.0, 3: 2.0}, [0, 15], Quantity.GAUGE)
    assert (found.median[0], found.p95[0]) == (2.5, pytest.approx(3.85))


def test_no_samples_make_no_buckets() -> None:
    assert len(buckets({}, [0, 15, 30], Quantity.POWER).bucket_us) == 0


def test_the_largest_numbers_there_are_overflow_quietly() -> None:
    found = buckets({0: 1.7e308, 1: 1.7e308, 2: -1.7e308}, [0, 15], Quantity.POWER)
    assert found.maximum.tolist() == [1.7e308]
