"""Which resolution fits a range."""

import pytest

from aetherlens.api.resources.history import fitting
from aetherlens.lib.clock import DAY_US


@pytest.mark.parametrize(
    ("days", "max_points", "expected"),
    [
        (1, 2000, "raw"),
        (2, 2000, "raw"),
        (3, 2000, "15m"),
        (20, 2000, "15m"),
        (30, 2000, "1h"),
        (365, 2000, "1d"),
        (30, 3000, "15m"),
        (3650, 1000, "1d"),
        (0.001, 10, "raw"),
    ],
)
def test_the_finest_resolution_that_fits_is_chosen(days: float, max_points: int, expected: str) -> None:
    assert fitting(int(days * DAY_US), max_points) == expected
