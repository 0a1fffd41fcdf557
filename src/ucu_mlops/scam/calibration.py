"""From log-odds to probabilities that mean what they say.

References:
    Platt (1999), "Probabilistic outputs for support vector machines and comparisons to regularized
    likelihood methods".
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize
from scipy.special import expit

# The float32 values just inside 1e-6 and 1 - 1e-6: no answer is certain, so log-loss stays finite.
SMALLEST = float(np.nextafter(np.float32(1e-6), np.float32(1)))
LARGEST = float(np.float32(1 - 1e-6))
LEAST_SLOPE = 1e-6  # calibration may flatten a ranking but never turn it around
LEAST_EXPLORED = 5  # violations; fewer may all be mistakes of the moderators
USUAL_MOVE = 1.0  # log-odds: the prior's spread of how far decided cases mislead about everybody


@dataclass(frozen=True)
class Calibration:
    """A sigmoid over log-odds.

    Attributes:
        slope: What the log-odds are multiplied by; positive.
        intercept: What is added then.
    """

    slope: float
    intercept: float

    def apply(self, log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give the probabilities, between ``SMALLEST`` and ``LARGEST``, in the same shape."""
        probabilities: NDArray[np.float64] = expit(self.slope * log_odds + self.intercept)
        return probabilities.clip(SMALLEST, LARGEST)


def fit_platt(
    log_odds: NDArray[np.float64], labels: NDArray[np.int64], weights: NDArray[np.float64]
) -> Calibration:
    """Fit slope and intercept by weighted log-loss.

    Args:
        log_odds: Predictions for rows that the predicting model had not seen, shape ``(n_rows,)``.
        labels: 0 or 1, shape ``(n_rows,)``; both occur.
        weights: What each row counts for, shape ``(n_rows,)``.
    """
    positives = int(labels.sum())
    negatives = len(labels) - positives
    # Platt's targets: a little short of 0 and 1, so that classes that part cleanly stay finite.
    targets = np.where(labels == 1, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    shares = weights / weights.sum()
    unit = max(float(log_odds.std()), SMALLEST)
    scaled = log_odds / unit

    def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        z = parameters[0] * scaled + parameters[1]
        error = shares * (expit(z) - targets)
        value = float((shares * (np.logaddexp(0, z) - targets * z)).sum())
        return value, np.array([(error * scaled).sum(), error.sum()])

    found = minimize(
        loss,
        x0=[1.0, 0.0],
        jac=True,
        method="L-BFGS-B",
        bounds=[(LEAST_SLOPE * unit, None), (None, None)],
        options={"ftol": 1e-12, "gtol": 1e-9},
    )
    return Calibration(slope=float(found.x[0] / unit), intercept=float(found.x[1]))


def for_everybody(
    calibration: Calibration,
    log_odds: NDArray[np.float64],
    labels: NDArray[np.int64],
    propensities: NDArray[np.float64],
) -> Calibration:
    """Move the intercept so that probabilities also fit those whom no queue would have chosen.

    Decided cases are mostly those that somebody suspected. Explored ones stand for all others: the
    move that makes their weighted probabilities add up to their violations, shrunk towards none
    by a normal prior, as few violations allow no more.

    Args:
        calibration: Fitted on decided cases.
        log_odds: Predictions for rows that the predicting model had not seen, shape ``(n_rows,)``.
        labels: 0 or 1, shape ``(n_rows,)``.
        propensities: With which probability each row was chosen, shape ``(n_rows,)``; below 1 where
            it was explored.

    Returns:
        The calibration with its intercept moved; as it was where fewer than ``LEAST_EXPLORED``
        explored rows are violations.

    References:
        Kish (1965), "Survey Sampling": the number of equally weighted rows that weighted ones are
        worth.
    """
    explored = propensities < 1
    answers = labels[explored]
    if answers.sum() < LEAST_EXPLORED:
        return calibration
    weights = 1 / propensities[explored]
    weights *= weights.sum() / (weights**2).sum()
    decided = calibration.slope * log_odds[explored] + calibration.intercept

    def excess(move: float) -> float:
        surplus = weights * (expit(decided + move) - answers)
        return float(surplus.sum() + move / USUAL_MOVE**2)

    farthest = float(weights.sum()) * USUAL_MOVE**2  # where the prior outweighs any surplus
    move = float(brentq(excess, -farthest, farthest))
    return replace(calibration, intercept=calibration.intercept + move)
