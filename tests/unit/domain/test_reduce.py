"""Fewer points, the same peaks."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from aetherlens.domain.reduce import reduce

_samples = st.dictionaries(st.integers(0, 10**7), st.floats(-1e9, 1e9), min_size=1, max_size=400)


@given(_samples, st.integers(4, 100))
def test_peaks_ends_and_order_survive(samples: dict[int, float], max_points: int) -> None:
    times = np.array(sorted(samples), dtype=np.int64)
    values = np.array([samples[int(time)] for time in times])
    fewer, kept = reduce(times, values, max_points)
    assert len(fewer) <= max_points
    assert (kept.min(), kept.max()) == (values.min(), values.max())
    assert (fewer[0], fewer[-1]) == (times[0], times[-1])
    assert (np.diff(fewer) > 0).all()
    assert all(samples[int(time)] == value for time, value in zip(fewer, kept, strict=True))


def test_every_spike_of_a_quiet_day_is_kept() -> None:
    values = np.full(86_400, 100.0)
    values[[7, 30_000, 86_000]] = [3000.0, -500.0, 2500.0]
    _, kept = reduce(np.arange(86_400, dtype=np.int64), values, 200)
    assert {3000.0, -500.0, 2500.0} <= set(kept.tolist())
