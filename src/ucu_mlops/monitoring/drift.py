"""How far a day's inputs and scores lie from the champion's reference, feature by feature.

quiet: as usual; drift: farther than quiet days lie apart; fault: the data is broken, not the world
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ucu_mlops.errors import ConfigurationError, NotEnoughDataError, SchemaError
from ucu_mlops.monitoring.reference import SCORE, bin_counts, missing_share, variety
from ucu_mlops.quality.drift import jensen_shannon

DRIFT_COLUMNS = (
    *("model", "name", "as_of", "kind", "measure"),
    *("threshold", "missing_share", "weight", "state"),
)


@dataclass(frozen=True)
class DriftOptions:
    """When a day counts as unusual, and when as broken.

    Attributes:
        floor: Jensen-Shannon distance (0..1) below which nothing counts as drift, however alike
            the quiet days were: smaller ones do not matter.
        factor: How many times the largest distance between quiet days a day must exceed.
        missing_jump: How far the share of nulls must exceed the largest of the quiet days for a
            fault, in shares (0.2 is 20 percentage points).
        variety: A feature that has one value for everyone is a fault if on every quiet day at
            least this share had other values.
        unwatched: Features that move by themselves on every platform, such as the age of its
            accounts; they are not measured.
    """

    floor: float = 0.1
    factor: float = 2.0
    missing_jump: float = 0.2
    variety: float = 0.05
    unwatched: Sequence[str] = ()

    def __post_init__(self) -> None:
        """Refuse thresholds that always or never alarm."""
        for name in ("floor", "missing_jump", "variety"):
            if not 0 < getattr(self, name) < 1:
                raise ConfigurationError(
                    f"drift.{name} must be above 0 and below 1, got {getattr(self, name)}"
                )
        if not self.factor >= 1:
            raise ConfigurationError(f"drift.factor must be at least 1, got {self.factor}")


def measure_drift(
    reference: Mapping[str, Any],
    frame: pd.DataFrame,
    probabilities: ArrayLike,
    *,
    model: str,
    as_of: date,
    options: DriftOptions,
) -> pd.DataFrame:
    """Compare one day with the reference.

    Args:
        reference: What :func:`ucu_mlops.monitoring.reference.build_reference` gave.
        frame: The day: one row per active entity, a column per feature. No rows, or no values of
            a feature, is a fault.
        probabilities: The champion's answers of the day, shape ``(n_scores,)``.
        model: Name of the model.
        as_of: The day.
        options: When a day counts as unusual.

    Returns:
        One row per watched feature and one named ``score``: ``model``, ``name``, ``as_of`` (date),
        ``kind`` (``numeric``, ``categorical`` or ``score``), ``measure`` (Jensen-Shannon
        distance of the known values, null without any), ``threshold`` (from which it is drift),
        ``missing_share`` (0..1), ``weight`` (the feature's share of the importances; 1 for the
        score) and ``state`` (``quiet``, ``drift`` or ``fault``).

    Raises:
        NotEnoughDataError: The reference is empty.
        SchemaError: A feature has no column.
    """
    if not reference:
        raise NotEnoughDataError(
            f"the champion of {model} has no reference to be compared with; release one that has"
        )
    profiles = {
        name: profile
        for name, profile in reference["features"].items()
        if name not in options.unwatched
    }
    if missing := sorted(set(profiles) - set(frame.columns)):
        raise SchemaError(f"drift of {model} needs {missing}; got {list(frame.columns)}")
    scores = pd.Series(np.asarray(probabilities, dtype=np.float64))
    rows = [_compare(name, profile, frame[name], options) for name, profile in profiles.items()]
    rows.append(_compare(SCORE, reference["score"], scores, options))
    measured = pd.DataFrame(rows).assign(model=model, as_of=as_of)
    return measured[list(DRIFT_COLUMNS)].astype({"measure": "float64"})


def _compare(
    name: str, profile: Mapping[str, Any], values: pd.Series, options: DriftOptions
) -> dict[str, Any]:
    counts = bin_counts(profile, values)
    usual = np.asarray(profile["shares"])
    comparable = bool(counts.sum() and usual.sum())
    measure = jensen_shannon(counts, usual) if comparable else None
    threshold = max(options.floor, options.factor * profile["quiet"])
    missing = missing_share(profile["kind"], values)
    if _is_broken(profile, values, missing, options):
        state = "fault"
    else:
        state = "drift" if measure is not None and measure > threshold else "quiet"
    return {
        "name": name,
        "kind": profile["kind"],
        "measure": measure,
        "threshold": min(threshold, 1.0),
        "missing_share": missing,
        "weight": profile["weight"],
        "state": state,
    }


def _is_broken(
    profile: Mapping[str, Any], values: pd.Series, missing: float, options: DriftOptions
) -> bool:
    if missing > profile["largest_missing"] + options.missing_jump:
        return True
    if missing == 1.0:
        return bool(len(values) == 0 or profile["largest_missing"] < 1.0)
    return bool(profile["variety"] >= options.variety and variety(values) == 0.0)
