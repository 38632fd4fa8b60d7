"""Chance without memory: every random number is a pure function of the seed, a channel and an index."""

import random
from enum import IntEnum

_MASK = (1 << 64) - 1


class Channel(IntEnum):
    """What a noise is for; two channels of one seed are unrelated."""

    CLOUD_DAY = 1
    CLOUD_HOUR = 2
    CLOUD_PASSING = 3
    CLOUD_EDGE = 4
    TEMPERATURE = 5
    VOLTAGE = 6
    FREQUENCY = 7
    BASE_LOAD = 8
    FAULT = 9
    FAULT_MOMENT = 10
    BASE_FLUTTER = 11


def uniform(seed: int, channel: int, index: int) -> float:
    """Return a number in [0, 1).

    The mixing is the finaliser of SplitMix64 (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number
    generators"), applied to a sum of odd multiples of the three arguments.
    """
    mixed = (seed * 0x9E3779B97F4A7C15 + channel * 0xD1B54A32D192ED03 + index * 0x8CB92BA72F3D8DD7) & _MASK
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
    return ((mixed ^ (mixed >> 31)) >> 11) / (1 << 53)


def smooth(seed: int, channel: int, time_s: float, period_s: float) -> float:
    """Return a number in [0, 1) that wanders with time: a fresh value every `period_s`, blended in between.

    Value noise with the cubic blend 3x² − 2x³.
    """
    position = time_s / period_s
    index = int(position // 1)
    share = position - index
    blend = share * share * (3.0 - 2.0 * share)
    first = uniform(seed, channel, index)
    return first + (uniform(seed, channel, index + 1) - first) * blend


def day_random(seed: int, name: str, ordinal: int) -> random.Random:
    """Return the generator for what one appliance does on one day (`ordinal`: days since 0001-01-01)."""
    return random.Random(f"{seed}/{name}/{ordinal}")  # noqa: S311 - a simulation must be repeatable, not secret
