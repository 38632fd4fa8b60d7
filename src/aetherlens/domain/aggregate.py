"""What a bucket of samples comes to: statistics of its samples, and integrals over its time.

Between two samples no further apart than the gap limit, the first one's value holds (left step: a poll's reading stands
until the next poll). Longer gaps belong to nobody: they are not covered, and power makes no energy in them. An energy
counter's rise is kept in total, whatever the gap, and spread evenly over it; a fall is a reset and no energy. What lies
across a bound is split there, so that the energies of buckets side by side add up to the energy of their whole.
"""

from enum import Enum
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from aetherlens.lib.clock import SECOND_US

Times = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]

#: Longest time between two samples that belong together: five minutes, many polls of every usual interval.
GAP_US = 300 * SECOND_US
#: Watt-microseconds of a kilowatt-hour.
_KWH = 3.6e12


class Quantity(Enum):
    """How a series becomes energy."""

    #: Not at all.
    GAUGE = "gauge"
    #: Watts.
    POWER = "power"
    #: A counter of kilowatt-hours that only rises, or begins again.
    COUNTER = "counter"

    @classmethod
    def of(cls, metric_type: str | None) -> "Quantity":
        """Return what a metric type is."""
        return {"power": cls.POWER, "energy": cls.COUNTER, "energy_export": cls.COUNTER}.get(
            metric_type or "", cls.GAUGE
        )


class Aggregates(NamedTuple):
    """One entry per bucket that holds anything; NaN where there is no number."""

    #: Start of the bucket, microseconds since 1970 UTC.
    bucket_us: Times
    #: Mean of the samples.
    avg: Values
    #: Mean over the covered time.
    time_avg: Values
    minimum: Values
    maximum: Values
    total: Values
    #: Number of samples.
    samples: Times
    #: Percentiles 50 and 95, linear between the two nearest ranks (as PostgreSQL's percentile_cont).
    median: Values
    p95: Values
    #: Value of the earliest and of the latest sample.
    first: Values
    last: Values
    energy_kwh: Values
    #: Share of the bucket's time between samples no further apart than the gap limit, 0 to 1.
    coverage: Values


def aggregate(times_us: Times, values: Values, edges_us: Times, quantity: Quantity, gap_us: int) -> Aggregates:
    """Aggregate one series into the buckets between `edges_us`; buckets that hold nothing are left out.

    `times_us` ascend without repetition and hold, beside the buckets' samples, the one before and the one after them
    where these exist; for anything but counters it is enough to look `gap_us` far for them.
    """
    buckets = len(edges_us) - 1
    low, high = np.searchsorted(times_us, edges_us[[0, -1]])
    with np.errstate(over="ignore", invalid="ignore"):
        index = np.searchsorted(edges_us, times_us[low:high], side="right") - 1
        statistics = _statistics(values[low:high], index, buckets)
        integrals = _integrals(times_us, values, edges_us, quantity, gap_us)
    energy = np.nan_to_num(integrals["energy_kwh"])
    kept = (statistics["samples"] > 0) | (integrals["coverage"] > 0) | (energy != 0)
    columns = {"bucket_us": edges_us[:-1], **statistics, **integrals}
    return Aggregates(**{name: column[kept] for name, column in columns.items()})


def _statistics(values: Values, index: Times, buckets: int) -> dict[str, npt.NDArray[Any]]:
    """Return what the samples themselves say; `index` is the bucket of each and ascends."""
    count = np.bincount(index, minlength=buckets)
    total = np.bincount(index, weights=values, minlength=buckets)
    filled = np.flatnonzero(count)
    begins = np.searchsorted(index, filled)
    sizes = count[filled]
    ranked = values[np.lexsort((values, index))]

    def spread(numbers: npt.NDArray[Any]) -> Values:
        column = np.full(buckets, np.nan)
        column[filled] = numbers
        return column

    return {
        "avg": spread(total[filled] / sizes),
        "minimum": spread(ranked[begins]),
        "maximum": spread(ranked[begins + sizes - 1]),
        "total": spread(total[filled]),
        "samples": count,
        "median": spread(_percentile(ranked, begins, sizes, 0.5)),
        "p95": spread(_percentile(ranked, begins, sizes, 0.95)),
        "first": spread(values[begins]),
        "last": spread(values[begins + sizes - 1]),
    }


def _percentile(ranked: Values, begins: Times, sizes: Times, share: float) -> Values:
    """Return a percentile of each run of ascending values; the position is share · (size - 1), counted from 0."""
    position = share * (sizes - 1)
    below = np.floor(position).astype(np.int64)
    above = np.minimum(below + 1, sizes - 1)
    low, high = ranked[begins + below], ranked[begins + above]
    between: Values = low + (high - low) * (position - below)
    return between


def _integrals(
    times_us: Times, values: Values, edges_us: Times, quantity: Quantity, gap_us: int
) -> dict[str, npt.NDArray[Any]]:
    """Return what the time between samples says, each stretch cut at the buckets' bounds."""
    buckets = len(edges_us) - 1
    if len(times_us) < 2:
        nothing = np.full(buckets, np.nan)
        return {"time_avg": nothing, "energy_kwh": nothing, "coverage": np.zeros(buckets)}
    cuts = edges_us[(edges_us > times_us[0]) & (edges_us < times_us[-1])]
    points = np.union1d(times_us, cuts)
    begins = points[:-1]
    inside = (begins >= edges_us[0]) & (begins < edges_us[-1])
    length = np.diff(points)[inside]
    begins = begins[inside]
    bucket = np.searchsorted(edges_us, begins, side="right") - 1
    stretch = np.searchsorted(times_us, begins, side="right") - 1
    stretch_length = np.diff(times_us)[stretch]
    covered = stretch_length <= gap_us

    def total(weights: Values, which: npt.NDArray[np.bool_]) -> Values:
        return np.bincount(bucket[which], weights=weights[which], minlength=buckets).astype(np.float64)

    covered_us = total(length.astype(np.float64), covered)
    area = total(values[stretch] * length, covered)
    some = covered_us > 0
    time_avg = np.divide(area, covered_us, out=np.full(buckets, np.nan), where=some)
    energy = np.full(buckets, np.nan)
    if quantity is Quantity.POWER:
        energy[some] = area[some] / _KWH
    elif quantity is Quantity.COUNTER:
        rise = np.maximum(np.diff(values), 0.0)[stretch] * (length / stretch_length)
        touched = np.bincount(bucket, minlength=buckets) > 0
        energy[touched] = total(rise, np.ones(len(rise), dtype=bool))[touched]
    return {"time_avg": time_avg, "energy_kwh": energy, "coverage": covered_us / np.diff(edges_us)}
