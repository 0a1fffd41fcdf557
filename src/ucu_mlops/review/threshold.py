"""From which probability on a model should ask for a look, given how many looks there are."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ucu_mlops.errors import ConfigurationError, DataError, SchemaError

SCORE_COLUMNS = ("entity_id", "as_of", "probability")


def threshold_for_capacity(
    scores: pd.DataFrame, places: float, dismissed_days: int
) -> tuple[float, float]:
    """Find the smallest threshold whose expected cases, ``probability >= threshold``, fit a day.

    What counts is new cases, not users above the threshold: a dismissed user comes back after
    ``dismissed_days`` or with a probability above the highest that was dismissed. Because a lower
    case never bars a higher one, whether a row would be a case does not depend on the threshold
    that both pass, and the expected cases only fall as it rises.

    The replay takes each case for dismissed on its day: longer delays and confirmed users make
    fewer cases. It begins without a past: whoever is above the threshold on the first day is taken
    for one who stays there, and counts once per ``dismissed_days`` where the days are fewer.
    A group of equal probabilities that would only partly fit stays out as a whole.

    Args:
        scores: One row per user and day that may be queued: ``entity_id``, ``as_of`` (date) and
            ``probability`` (0..1).
        places: Cases per day left to the model; 0 or more.
        dismissed_days: Days for which a dismissed user is left alone; 0 or more.

    Returns:
        The threshold, 0 where everything fits and just above 1 where not even the most probable
        do; and the expected cases per day at it.

    Raises:
        ConfigurationError: ``places`` or ``dismissed_days`` is negative.
        SchemaError: A column is missing.
        DataError: There is no row, a user is twice on a day, or a probability is missing or
            outside 0..1.
    """
    if places < 0 or dismissed_days < 0:
        raise ConfigurationError(
            "threshold: places and dismissed_days must be 0 or more, "
            f"got {places}, {dismissed_days}"
        )
    _check(scores)
    probabilities, cases = expected_cases(scores, dismissed_days)
    order = np.argsort(-probabilities, kind="stable")
    descending, running = probabilities[order], np.cumsum(cases[order])
    last_of_group = np.append(descending[1:] != descending[:-1], True)
    fits = running <= places + 1e-9  # sums of fractions of a day
    if fits.all():
        return 0.0, float(running[-1])
    first_outside = descending[np.flatnonzero(last_of_group & ~fits)[0]]
    return float(np.nextafter(first_outside, np.inf)), float(
        cases[probabilities > first_outside].sum()
    )


def expected_cases(
    scores: pd.DataFrame, dismissed_days: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Replay the days, and say what each row adds to the cases of an average day.

    Args:
        scores: As for :func:`threshold_for_capacity`.
        dismissed_days: As there.

    Returns:
        Probabilities, and the cases per day that a row makes if its probability reaches the
        threshold, 0 for one that an earlier case bars; both of shape ``(n_rows,)``, by day.
    """
    days = pd.to_datetime(scores["as_of"])
    users, names = pd.factorize(scores["entity_id"])
    day_of_row = (days - days.min()).dt.days.to_numpy()
    each_day = np.unique(day_of_row)
    # What was dismissed lately, one column per day that still bars; -1 bars nobody.
    bars = np.full((max(dismissed_days, 1), len(names)), -1.0)
    values = scores["probability"].to_numpy(dtype=np.float64)
    probabilities, cases = [], []
    previous = -1
    for day in each_day:
        for passed in range(max(previous + 1, day - len(bars) + 1), day + 1):
            bars[passed % len(bars)] = -1.0
        rows = day_of_row == day
        chosen, who = values[rows], users[rows]
        queued = chosen > bars.max(axis=0)[who]
        if dismissed_days:
            bars[day % len(bars), who[queued]] = chosen[queued]
        stock = min(1.0, len(each_day) / max(dismissed_days, 1)) if day == 0 else 1.0
        probabilities.append(chosen)
        cases.append(queued * stock / len(each_day))
        previous = day
    return np.concatenate(probabilities), np.concatenate(cases)


def _check(scores: pd.DataFrame) -> None:
    if missing := sorted(set(SCORE_COLUMNS) - set(scores.columns)):
        raise SchemaError(f"threshold needs {missing}; got {list(scores.columns)}")
    if scores.empty:
        raise DataError("threshold: there are no scores; score the days before the release")
    if scores.duplicated(["entity_id", "as_of"]).any():
        raise DataError("threshold: a user is scored twice on a day; keep one row of each")
    if wrong := int((~scores["probability"].astype("float64").between(0, 1)).sum()):
        raise DataError(f"threshold: {wrong} probabilities are missing or outside 0..1")
