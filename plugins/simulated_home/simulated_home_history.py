"""The first day's history: simulated at once, delivered in portions, the latest hours first."""

from array import array
from collections.abc import Iterator, Sequence

from simulated_home_house import House
from simulated_home_readings import Series, utc, values
from simulated_home_simulation import STEP_S, HomeState, Pending, Simulation, first_state

from aetherlens_sdk import Metric


def first_steps(now_s: float, hours: int) -> Pending:
    """Return the span of a history of so many hours; it ends a whole step before the present, so that no two samples
    of a series share a time."""
    end_s = (now_s // STEP_S) * STEP_S
    return Pending(start_s=end_s - hours * 3600.0, end_s=end_s)


class History:
    """Rows of readings on whole steps, in a compact array."""

    def __init__(self, house: House, series: Sequence[Series], pending: Pending) -> None:
        self.pending = pending
        self._house = house
        self._series = series
        self._rows = array("d")
        #: Where the house stands at the end of the span; grows while `simulate` runs.
        self.state: HomeState = first_state(house, pending.start_s)

    def simulate(self) -> Iterator[None]:
        """Fill the rows from the span's start to what is not delivered yet, pausing after each step."""
        simulation = Simulation(self._house, self.state)
        time_s = self.pending.start_s
        while time_s < self.pending.end_s:
            simulation.step(time_s)
            self._rows.extend(values(self._series, self._house.settings, self.state))
            yield
            time_s += STEP_S

    def deliver(self, greatest_count: int) -> list[Metric]:
        """Return the latest rows not delivered yet, oldest first, at most so many metrics, and forget them."""
        width = len(self._series)
        portion = min(len(self._rows) // width, max(1, greatest_count // width))
        start_s = self.pending.end_s - portion * STEP_S
        first = len(self._rows) - portion * width
        metrics = []
        for row in range(portion):
            timestamp = utc(start_s + row * STEP_S)
            offset = first + row * width
            metrics += [series.metric(self._rows[offset + i], timestamp) for i, series in enumerate(self._series)]
        del self._rows[first:]
        self.pending.end_s = start_s
        return metrics

    @property
    def is_delivered(self) -> bool:
        """Whether nothing is left."""
        return self.pending.end_s <= self.pending.start_s
