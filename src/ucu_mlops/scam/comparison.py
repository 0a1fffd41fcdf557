"""What balancing, estimator and outlier treatment change: variants on the same folds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from ucu_mlops.bundle.manifest import FeatureSpec
from ucu_mlops.errors import ConfigurationError
from ucu_mlops.quality.bootstrap import Rows, paired_bootstrap
from ucu_mlops.quality.metrics import recall_at_capacity
from ucu_mlops.scam.crossvalidation import CrossValidationOptions, FoldResults, run_folds
from ucu_mlops.scam.estimator import TrainingOptions

DEFAULT = "default"
CALENDAR = "first_event_day"
RESAMPLES = 200  # for the ends of a 90 % interval, to about a tenth of its width
LEVEL = 0.9
GAINS = {"recall_at_cases": "recall at a fixed number of cases", "roc_auc": "AUC"}


def compare(
    rows: pd.DataFrame,
    features: Sequence[FeatureSpec],
    training: TrainingOptions,
    options: CrossValidationOptions,
) -> dict[str, Any]:
    """Cross-validate the training as it is configured and every variant of it.

    Args:
        rows: One row per entity and day, as for
            :func:`ucu_mlops.scam.crossvalidation.cross_validate`; where there is a column
            ``first_event_day`` (float64, days since 1970), the report shows what it would leak.
        features: The inputs; ``first_event_day`` is never among them.
        training: How to fit by default.
        options: Folds, seed, number of cases, variants.

    Returns:
        ``rows``, ``positives``, ``cases`` (looked at, of all rows), and ``variants``: per name its
        ``changes``, ``figures`` (mean and spread over the folds) and, but for the default,
        ``gain``: per figure ``low``, ``mid``, ``high`` of the difference to the default on the
        held-out predictions, entities resampled. ``calendar`` where it can be shown: ``alone``
        (AUC of the day itself) and figures ``without`` and ``with`` it.

    Raises:
        ConfigurationError: A variant changes what is no training option, or takes the default's
            name.
    """
    _check(options.variants)
    default = run_folds(DEFAULT, rows, features, training, options)
    variants: dict[str, Any] = {DEFAULT: {"changes": {}, "figures": default.average()}}
    for name, changes in options.variants.items():
        varied = replace(training, **changes)
        # What is the default already need not be fitted again.
        results = (
            default if varied == training else run_folds(name, rows, features, varied, options)
        )
        variants[name] = {
            "changes": dict(changes),
            "figures": results.average(),
            "gain": _gain(rows, default, results, options),
        }
    report = {
        "rows": len(rows),
        "positives": int(rows["label"].sum()),
        "cases": round(options.cases_share * len(rows)),
        "level": LEVEL,
        "variants": variants,
    }
    if CALENDAR in rows.columns:
        report["calendar"] = {
            "alone": _one_sided_auc(rows),
            "without": variants[DEFAULT]["figures"],
            "with": run_folds(
                CALENDAR,
                rows,
                [*features, FeatureSpec(CALENDAR, "numeric", "report", "none")],
                training,
                options,
            ).average(),
        }
    return report


def add_first_event_day(rows: pd.DataFrame, first_events: pd.DataFrame) -> pd.DataFrame:
    """Put the day of each entity's first event, as days since 1970, beside its row.

    Args:
        rows: One row per entity and day: ``entity_id``.
        first_events: One row per entity: ``entity_id``, ``first`` (date).
    """
    days = pd.to_datetime(first_events.set_index("entity_id")["first"])
    since = (days - pd.Timestamp(0)).dt.days.astype("float64")
    return rows.assign(**{CALENDAR: rows["entity_id"].map(since)})


def _check(variants: Mapping[str, Mapping[str, Any]]) -> None:
    known = {each.name for each in fields(TrainingOptions)}
    for name, changes in variants.items():
        if name == DEFAULT:
            raise ConfigurationError(
                f"crossvalidation.variants must not name {DEFAULT!r}: it is the training as it is"
            )
        if unknown := sorted(set(changes) - known):
            raise ConfigurationError(
                f"crossvalidation.variants: {name!r} changes {unknown}; training has "
                f"{sorted(known)}"
            )


def _gain(
    rows: pd.DataFrame,
    default: FoldResults,
    results: FoldResults,
    options: CrossValidationOptions,
) -> dict[str, dict[str, float]]:
    labels = rows["label"].to_numpy()
    weights = rows["weight"].to_numpy() if "weight" in rows.columns else np.ones(len(rows))
    entities = rows["entity_id"] if "entity_id" in rows.columns else np.arange(len(rows))

    def auc(probabilities: NDArray[np.float64], chosen: Rows) -> float:
        given = {"sample_weight": weights[chosen]}
        return float(roc_auc_score(labels[chosen], probabilities[chosen], **given))

    def recall(probabilities: NDArray[np.float64], chosen: Rows) -> float:
        cases = round(options.cases_share * chosen.size)
        return recall_at_capacity(labels[chosen], probabilities[chosen], cases, weights[chosen])

    def interval(measure: Callable[[NDArray[np.float64], Rows], float]) -> dict[str, float]:
        return paired_bootstrap(
            lambda chosen: (
                measure(results.probabilities, chosen) - measure(default.probabilities, chosen)
            ),
            entities,
            n=RESAMPLES,
            seed=options.seed,
            level=LEVEL,
        )._asdict()

    return {"recall_at_cases": interval(recall), "roc_auc": interval(auc)}


def _one_sided_auc(rows: pd.DataFrame) -> float:
    known = rows[rows[CALENDAR].notna()]
    area = float(roc_auc_score(known["label"], known[CALENDAR]))
    return max(area, 1 - area)
