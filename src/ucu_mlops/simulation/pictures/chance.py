"""Draw one value at a time, in the words of the pictures: a chance, a pick, a size."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

Thing = TypeVar("Thing")


def chance(rng: np.random.Generator, share: float) -> bool:
    """Return true in the given share of cases."""
    return bool(rng.random() < share)


def pick(rng: np.random.Generator, things: Sequence[Thing]) -> Thing:
    """Return one of the things, each as likely; far faster than ``rng.choice`` for one."""
    return things[int(rng.integers(len(things)))]


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """Return a size between two bounds, each octave as likely."""
    return float(low * (high / low) ** rng.random())


def between(rng: np.random.Generator, low: float, high: float) -> float:
    """Return a number between two bounds."""
    return float(low + (high - low) * rng.random())
