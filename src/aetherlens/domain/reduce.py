"""Fewer points that draw the same line."""

import numpy as np
import numpy.typing as npt


def reduce(
    times_us: npt.NDArray[np.int64], values: npt.NDArray[np.float64], max_points: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return at most `max_points` (4 at least) of the samples: every peak of what is drawn stays.

    M4: of each of max_points / 4 equal stretches of time, the first, the last, the lowest and the highest sample. A
    line chart of that many pixels is the same as that of all samples. Jugel, Jerzak, Hackenbroich, Markl: M4, a
    visualization-oriented time series data aggregation, VLDB 2014.
    """
    if len(times_us) <= max_points:
        return times_us, values
    columns = max(max_points // 4, 1)
    span = int(times_us[-1] - times_us[0]) + 1
    # Floats are exact enough for a column's number, and cannot overflow.
    column = ((times_us - times_us[0]) * (columns / span)).astype(np.int64).clip(max=columns - 1)
    begins = np.flatnonzero(np.diff(column, prepend=-1))
    ends = np.append(begins[1:], len(column)) - 1
    ranked = np.lexsort((values, column))
    chosen = np.unique(np.concatenate((begins, ends, ranked[begins], ranked[ends])))
    return times_us[chosen], values[chosen]
