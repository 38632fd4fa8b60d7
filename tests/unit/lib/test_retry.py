"""Waiting times double up to a cap and never leave their bounds."""

from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from aetherlens.lib.retry import backoff


@given(st.floats(0.001, 10), st.floats(0.001, 1000))
def test_each_delay_lies_between_three_quarters_and_the_whole_of_its_step(first_s: float, cap_s: float) -> None:
    step = first_s
    for delay in islice(backoff(first_s, cap_s), 40):
        assert 0.75 * step <= delay <= step
        step = min(step * 2, cap_s)


def test_many_that_failed_together_do_not_come_back_together() -> None:
    assert len({next(backoff(1.0, 10.0)) for _ in range(50)}) > 40
