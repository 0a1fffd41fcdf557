"""How well the estimator does on entities that it has not seen, on any labelled data set."""

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ucu_mlops.bundle.manifest import FeatureSpec
from ucu_mlops.errors import ConfigurationError, NotEnoughDataError, SchemaError
from ucu_mlops.quality.metrics import (
    best_f1_threshold,
    classification_metrics,
    recall_at_capacity,
    recall_at_fpr,
)
from ucu_mlops.scam.estimator import TrainingOptions, fit
from ucu_mlops.scam.folds import fold_of_each_row

logger = logging.getLogger(__name__)

WORKERS = 2  # folds at a time: LightGBM lets go of the interpreter while it fits
EVERYBODY = "all"
MEASURED = ("roc_auc", "pr_auc", "precision", "recall", "f1", "ece")
FALSE_POSITIVE_RATES = {"recall_at_5pct_fpr": 0.05, "recall_at_1pct_fpr": 0.01}


@dataclass(frozen=True)
class CrossValidationOptions:
    """On whom to test.

    Attributes:
        folds: How many; at least 2.
        seed: Seed of the shuffle.
        cohorts: Values of the column ``cohort`` by the name of the cohort they form; each cohort
            is cross-validated for itself, and ``all`` always is.
        cases_share: Share of the tested rows that moderators look at in ``recall_at_cases``.
        first_days: For how many days of an entity's events its ``first_days`` figures know it; 0
            leaves them out.
        first_days_source: The declared source whose first event begins those days.
        variants: Training options that a comparison changes, by the variant's name.
    """

    folds: int = 5
    seed: int = 0
    cohorts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    cases_share: float = 0.2
    first_days: int = 0
    first_days_source: str = ""
    variants: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse folds that test nothing and a second meaning of ``all``."""
        if self.folds < 2:  # noqa: PLR2004 (one to learn, one to test)
            raise ConfigurationError(f"crossvalidation.folds must be at least 2, got {self.folds}")
        if not 0 < self.cases_share <= 1:
            raise ConfigurationError(
                f"crossvalidation.cases_share must be above 0 and at most 1, got {self.cases_share}"
            )
        if self.first_days < 0 or bool(self.first_days) != bool(self.first_days_source):
            raise ConfigurationError(
                "crossvalidation.first_days must be 0, or days with a first_days_source, "
                f"got {self.first_days} of {self.first_days_source!r}"
            )
        if EVERYBODY in self.cohorts:
            raise ConfigurationError(
                f"crossvalidation.cohorts must not name {EVERYBODY!r}: it always holds every row"
            )


def cross_validate(
    rows: pd.DataFrame,
    features: Sequence[FeatureSpec],
    training: TrainingOptions,
    options: CrossValidationOptions,
) -> dict[str, Any]:
    """Fit on all folds but one, test on that one, and average over the folds.

    The threshold behind precision, recall and F1 is the best one for F1 on the training part's own
    held-out predictions: the test part chooses nothing.

    Args:
        rows: One row per entity and day: the features, ``label`` (0 or 1), ``entity_id`` (each row
            is an entity of its own where it is absent), and ``cohort`` where cohorts are named.
        features: The inputs.
        training: How to fit.
        options: On whom to test.

    Returns:
        ``cross_validation``: per cohort and figure, ``mean`` and ``sd`` over the folds; ``rows``
        and ``positives``: counts per cohort.

    Raises:
        SchemaError: A column is missing or holds something else.
        NotEnoughDataError: A cohort has too few entities of either class.
    """
    if missing := {"label", *(["cohort"] if options.cohorts else [])} - set(rows.columns):
        raise SchemaError(f"cross-validation needs {sorted(missing)}; got {list(rows.columns)}")
    chosen = {name: rows[rows["cohort"].isin(kinds)] for name, kinds in options.cohorts.items()}
    chosen[EVERYBODY] = rows
    for name, members in chosen.items():
        if members.empty:
            raise NotEnoughDataError(
                f"crossvalidation.cohorts: {name!r} has no rows; check its values "
                f"{list(options.cohorts.get(name, []))} against the column cohort"
            )
    return {
        "cross_validation": {
            name: run_folds(name, members, features, training, options).average()
            for name, members in chosen.items()
        },
        "rows": {name: len(members) for name, members in chosen.items()},
        "positives": {name: int(members["label"].sum()) for name, members in chosen.items()},
    }


@dataclass(frozen=True)
class FoldResults:
    """What cross-validation measured.

    Attributes:
        figures: Figures of each fold.
        probabilities: Of each row by the model that did not see its entity, shape ``(n_rows,)``.
    """

    figures: Sequence[Mapping[str, float]]
    probabilities: NDArray[np.float64]

    def average(self) -> dict[str, dict[str, float]]:
        """Give each figure's mean and spread over the folds."""
        by_name = {name: [each[name] for each in self.figures] for name in self.figures[0]}
        return {
            name: {"mean": float(np.mean(values)), "sd": float(np.std(values, ddof=1))}
            for name, values in by_name.items()
        }


def run_folds(
    name: str,
    rows: pd.DataFrame,
    features: Sequence[FeatureSpec],
    training: TrainingOptions,
    options: CrossValidationOptions,
) -> FoldResults:
    """Fit on all folds but one and test on that one, for each; the same seed deals the same folds.

    Args:
        name: What the log calls it.
        rows: As for :func:`cross_validate`.
        features: The inputs.
        training: How to fit.
        options: Folds and seed.
    """
    folds = fold_of_each_row(rows, options.folds, options.seed)
    probabilities = np.empty(len(rows))

    def test(fold: int) -> dict[str, float]:
        known, unknown = rows[folds != fold], rows[folds == fold]
        fitted = fit(known, features, training)
        answers = fitted.predict(unknown)[:, 0]
        probabilities[folds == fold] = answers
        threshold = best_f1_threshold(known["label"], fitted.held_out, known.get("weight"))
        figures = _figures(unknown, answers, threshold, options)
        told = ", ".join(f"{name} {value:.3f}" for name, value in figures.items())
        logger.info("%s: fold %d of %d: %s", name, fold + 1, options.folds, told)
        return figures

    with ThreadPoolExecutor(WORKERS) as workers:
        return FoldResults(list(workers.map(test, range(options.folds))), probabilities)


def _figures(
    rows: pd.DataFrame,
    probabilities: NDArray[np.float64],
    threshold: float,
    options: CrossValidationOptions,
) -> dict[str, float]:
    labels, weights = rows["label"], rows.get("weight")
    measured = classification_metrics(labels, probabilities, threshold, weights)
    cases = round(options.cases_share * len(rows))
    return (
        {name: measured[name] for name in MEASURED}
        | {
            name: recall_at_fpr(labels, probabilities, bound, weights)
            for name, bound in FALSE_POSITIVE_RATES.items()
        }
        | {"recall_at_cases": recall_at_capacity(labels, probabilities, cases, weights)}
    )
