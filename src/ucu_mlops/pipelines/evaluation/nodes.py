"""Put two versions and the baseline beside each other on users whom no version was trained on."""

from typing import Any

import ibis
import pandas as pd

from ucu_mlops.bundle.predict import Predictor
from ucu_mlops.bundle.store import Bundle
from ucu_mlops.errors import NotEnoughDataError, SchemaError
from ucu_mlops.features.period import Period
from ucu_mlops.quality.evaluation import EvaluationOptions, gain, measure
from ucu_mlops.quality.metrics import best_f1_threshold

# The baseline is the cold start's rule; it is the champion, too, until a model replaces it.
VERSIONS = ("challenger", "champion", "baseline")
IDENTITY = ("training_id", "rows", "positives", "first_day", "last_day")


def score_holdout(
    training_set: ibis.Table,
    challenger: Bundle,
    incumbent: Bundle,
    rule: Bundle,
    options: EvaluationOptions,
    period: Period,
) -> pd.DataFrame:
    """Score the held-out, labelled rows of this run with both versions and the rule.

    Returns:
        One row per held-out entity and day: ``entity_id``, ``as_of``, ``label`` (0 or 1),
        ``weight``, ``champion``, ``challenger`` and ``baseline`` (probabilities),
        ``champion_version`` and ``challenger_version``, and the columns of the segments.

    Raises:
        SchemaError: A segment is no column of the training set.
    """
    if missing := sorted(set(options.segments) - set(training_set.columns)):
        raise SchemaError(
            f"evaluation.segments: the training set has no {missing}; "
            "name features of the model, or add them to it"
        )
    own = training_set.filter(
        training_set["trained_as_of"] == period.as_of, training_set["split"] == "holdout"
    )
    frame: pd.DataFrame = own.order_by("entity_id", "as_of").execute()
    scores = {
        name: Predictor(bundle).predict(frame)[:, 0]
        for name, bundle in zip(VERSIONS, (challenger, incumbent, rule), strict=True)
    }
    return frame[["entity_id", "as_of", "label", "weight", *options.segments]].assign(
        **scores, champion_version=incumbent.version, challenger_version=challenger.version
    )


def evaluate(
    holdout_scores: pd.DataFrame,
    challenger: Bundle,
    incumbent: Bundle,
    rule: Bundle,
    options: EvaluationOptions,
) -> dict[str, Any]:
    """Report both versions and the baseline on the same rows, weighted by propensity.

    Returns:
        ``rows``, ``positives``, ``level`` of the intervals, and per version its id, training data
        and what :func:`ucu_mlops.quality.evaluation.measure` gives, which is null, with the reason
        beside it, while the hold-out has one class only; ``gain``: the challenger's recall at
        capacity over the others'.
    """
    report: dict[str, Any] = {
        "rows": len(holdout_scores),
        "positives": int(holdout_scores["label"].sum()),
        "level": options.level,
        "capacity_share": options.capacity_share,
    }
    for name, bundle in zip(VERSIONS, (challenger, incumbent, rule), strict=True):
        report[name] = {
            "version": bundle.version,
            "kind": bundle.manifest.kind,
            "training": _identity(bundle),
        }
        try:
            threshold = _threshold(name, holdout_scores, bundle)
            report[name]["threshold"] = threshold
            report[name] |= measure(holdout_scores, name, threshold, options)
        except NotEnoughDataError as error:
            report[name] |= {"metrics": None, "why_not": str(error)}
    others = [name for name in VERSIONS[1:] if report[name]["metrics"]]
    report["gain"] = {
        f"over_{name}": gain(holdout_scores, "challenger", name, options) for name in others
    }
    return report


def list_metrics(evaluation: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Name all versions' figures as MLflow keeps them.

    Returns:
        ``<version>.<figure>`` to ``{"value": …, "step": 0}``; none for a hold-out of one class.
    """
    return {
        f"{name}.{figure}": {"value": value, "step": 0}
        for name in VERSIONS
        for figure, value in (evaluation[name]["metrics"] or {}).items()
    }


def _threshold(name: str, scores: pd.DataFrame, bundle: Bundle) -> float:
    """Give a version's own threshold; the rule as written has none, so it gets the best for F1."""
    if name != "baseline":
        return bundle.manifest.labels[0].threshold
    return best_f1_threshold(scores["label"], scores[name], scores["weight"])


def _identity(bundle: Bundle) -> dict[str, Any]:
    training = bundle.manifest.training
    return {name: training[name] for name in IDENTITY if name in training}
