"""From which probability on a model should ask for a look, given how many looks there are."""

import numpy as np
from numpy.typing import ArrayLike

from ucu_mlops.errors import ConfigurationError, DataError


def threshold_for_capacity(probabilities: ArrayLike, days: int, capacity: float) -> float:
    """Find the smallest threshold whose cases, ``probability >= threshold``, fit the days.

    A group of equal probabilities that would only partly fit stays out as a whole.

    Args:
        probabilities: One per entity and day that may be queued, shape ``(n_rows,)``.
        days: How many days the rows come from; at least 1.
        capacity: Cases per day that moderators can decide; 0 or more.

    Returns:
        The threshold; 0 where everything fits. It may lie just above 1 where not even the
        most probable fit.

    Raises:
        ConfigurationError: ``days`` or ``capacity`` is too small.
        DataError: A probability is missing or outside 0..1.
    """
    values = np.asarray(probabilities, dtype=np.float64)
    if days < 1 or capacity < 0:
        raise ConfigurationError(
            f"threshold: days must be at least 1 and capacity at least 0, got {days}, {capacity}"
        )
    if wrong := int((~((values >= 0) & (values <= 1))).sum()):
        raise DataError(f"threshold: {wrong} probabilities are missing or outside 0..1")
    places = int(days * capacity)
    if values.size <= places:
        return 0.0
    first_outside = np.partition(values, values.size - places - 1)[values.size - places - 1]
    return float(np.nextafter(first_outside, np.inf))
