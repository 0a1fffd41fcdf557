"""Put two versions beside each other on users whom no version was trained on."""

from typing import Any

import ibis
import pandas as pd
import plotly.graph_objects as go
from sklearn.metrics import precision_recall_curve

from ucu_mlops.bundle.predict import Predictor
from ucu_mlops.bundle.store import Bundle
from ucu_mlops.errors import NotEnoughDataError
from ucu_mlops.features.period import Period
from ucu_mlops.quality.metrics import classification_metrics

VERSIONS = ("challenger", "champion")
IDENTITY = ("training_id", "rows", "positives", "first_day", "last_day")


def score_holdout(
    training_set: ibis.Table, challenger: Bundle, incumbent: Bundle, period: Period
) -> pd.DataFrame:
    """Score the held-out, labelled rows of this run with both versions.

    Returns:
        One row per held-out entity and day: ``entity_id``, ``as_of``, ``label`` (0 or 1),
        ``weight``, ``champion`` and ``challenger`` (probabilities), ``champion_version`` and
        ``challenger_version``.
    """
    own = training_set.filter(
        training_set["trained_as_of"] == period.as_of, training_set["split"] == "holdout"
    )
    frame: pd.DataFrame = own.order_by("entity_id", "as_of").execute()
    scores = {
        name: Predictor(bundle).predict(frame)[:, 0]
        for name, bundle in zip(VERSIONS, (challenger, incumbent), strict=True)
    }
    return frame[["entity_id", "as_of", "label", "weight"]].assign(
        **scores, champion_version=incumbent.version, challenger_version=challenger.version
    )


def evaluate(holdout_scores: pd.DataFrame, challenger: Bundle, incumbent: Bundle) -> dict[str, Any]:
    """Report both versions' figures on the same rows, weighted by propensity.

    Returns:
        ``rows``, ``positives``, and per version its id, training data and figures; a version's
        figures are null, with the reason beside them, while the hold-out has one class only.
    """
    labels = holdout_scores["label"].to_numpy()
    report: dict[str, Any] = {"rows": len(labels), "positives": int(labels.sum())}
    for name, bundle in zip(VERSIONS, (challenger, incumbent), strict=True):
        report[name] = {
            "version": bundle.version,
            "kind": bundle.manifest.kind,
            "training": _identity(bundle),
            "threshold": bundle.manifest.labels[0].threshold,
        }
        try:
            report[name]["metrics"] = classification_metrics(
                labels,
                holdout_scores[name].to_numpy(),
                bundle.manifest.labels[0].threshold,
                holdout_scores["weight"].to_numpy(),
            )
        except NotEnoughDataError as error:
            report[name] |= {"metrics": None, "why_not": str(error)}
    return report


def list_metrics(evaluation: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Name both versions' figures as MLflow keeps them.

    Returns:
        ``<version>.<figure>`` to ``{"value": …, "step": 0}``; none for a hold-out of one class.
    """
    return {
        f"{name}.{figure}": {"value": value, "step": 0}
        for name in VERSIONS
        for figure, value in (evaluation[name]["metrics"] or {}).items()
    }


def plot_evaluation(holdout_scores: pd.DataFrame) -> go.Figure:
    """Draw precision over recall of both versions on the held-out rows."""
    figure = go.Figure()
    for name in VERSIONS if holdout_scores["label"].any() else ():
        precision, recall, _ = precision_recall_curve(holdout_scores["label"], holdout_scores[name])
        figure.add_scatter(x=recall, y=precision, name=name, mode="lines")
    figure.update_layout(
        title="Held-out users: precision over recall",
        xaxis_title="recall",
        yaxis_title="precision",
        template="plotly_white",
    )
    return figure


def _identity(bundle: Bundle) -> dict[str, Any]:
    training = bundle.manifest.training
    return {name: training[name] for name in IDENTITY if name in training}
