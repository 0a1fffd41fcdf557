"""How often moderators err, from how often two of them disagree about the same case."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

MOST = 0.5  # whoever errs more often than not says nothing


@dataclass(frozen=True)
class ErrorRates:
    """How often one look at a case goes wrong.

    Attributes:
        confirming: Share of the harmless who are confirmed.
        dismissing: Share of the violations that are dismissed.
        confirming_variance: Of the first's estimate.
        dismissing_variance: Of the second's.
    """

    confirming: float
    dismissing: float
    confirming_variance: float
    dismissing_variance: float


def error_rates(looks: pd.DataFrame) -> ErrorRates:
    """Estimate both rates, taking two blind looks at a case for independent.

    Nearly all explored users are harmless, so confirmations of theirs that were overruled tell how
    often the harmless are confirmed. Of the disagreements about the other cases, half of which are
    the first look's errors, what that leaves unexplained are dismissed violations.

    Args:
        looks: One row per decided case: ``explored``, ``yes`` (confirmed), ``paired`` (decided
            again), ``again`` (confirmed again; booleans) and ``pair_weight`` (1 / propensity of
            the second look, NaN without one). Some explored confirmation is paired.

    Returns:
        The rates. Where no other case was looked at again, both kinds of error are taken for
        equally frequent.
    """
    explored = looks[looks["explored"]]
    confirmed = explored[explored["yes"]]
    # Confirmations that still wait for their second look are overruled as often as the others.
    overruled = float(
        (confirmed["paired"] & ~confirmed["again"]).sum() / confirmed["paired"].mean()
    )
    confirming = overruled / len(explored)
    confirming_variance = max(overruled, 1.0) / len(explored) ** 2
    sure = looks[~looks["explored"]]
    pairs = sure[sure["paired"]]
    if pairs.empty:
        return ErrorRates(confirming, confirming, confirming_variance, confirming_variance)
    weights = pairs["pair_weight"] * len(sure) / pairs["pair_weight"].sum()
    disagreed = float(weights[pairs["yes"] != pairs["again"]].sum())
    violations = max(float(sure["yes"].sum()) - confirming * len(sure), 1.0)
    dismissed = disagreed / 2 - (len(sure) - violations) * confirming
    one = float(weights.mean())  # what a disagreement stands for; none may be luck
    return ErrorRates(
        confirming,
        float(np.clip(dismissed / violations, 0.0, MOST)),
        confirming_variance,
        max(disagreed, one) * one / (2 * violations) ** 2,
    )
