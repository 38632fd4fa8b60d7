"""Exponential backoff with jitter."""

import random
from collections.abc import Iterator


def backoff(first_s: float, cap_s: float) -> Iterator[float]:
    """Yield waiting times in seconds: doubling from `first_s` to `cap_s`, each shortened by up to a quarter.

    The jitter keeps many that failed together from coming back together.
    """
    delay = first_s
    while True:
        yield delay * (1 - random.random() / 4)  # noqa: S311 - spreading load, not guarding a secret
        delay = min(delay * 2, cap_s)
