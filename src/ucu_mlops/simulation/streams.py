"""Random streams named by what they are for, so that any day can be drawn alone."""

from datetime import date
from hashlib import blake2b

import numpy as np


def stream(seed: int, purpose: str, day: date | None = None) -> np.random.Generator:
    """Return the generator that belongs to a purpose and a day.

    Args:
        seed: The platform's seed.
        purpose: What the numbers are for; another purpose, an independent stream.
        day: The day they are for, if any.

    Returns:
        A fresh generator; the same arguments give the same numbers on every machine.
    """
    name = blake2b(purpose.encode(), digest_size=8).digest()
    return np.random.default_rng([seed, int.from_bytes(name, "big"), day.toordinal() if day else 0])
