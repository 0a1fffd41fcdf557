"""Labels and events of any data set become figures, early figures, and a comparison."""

from dataclasses import replace

import ibis
import numpy as np
import pandas as pd
import pytest

from ucu_mlops.pipelines.scam_crossvalidation.nodes import (
    compare_variants,
    cross_validate_labels,
    list_comparison,
    plot_comparison,
)
from ucu_mlops.scam.crossvalidation import CrossValidationOptions
from ucu_mlops.scam.estimator import TrainingOptions

FEATURES = {
    "sources": {"events": {"entity": "who", "occurred": "at"}},
    "labels": {"entity": "who", "as_of": "last", "label": "bad"},
    "activity": {
        "description": "How much.",
        "source": "events",
        "windows": ["life"],
        "features": {"events": {"aggregate": "count"}},
    },
}
TRAINING = TrainingOptions(
    lightgbm={"n_estimators": 5, "min_child_samples": 5}, calibration_folds=2, min_positives=2
)
OPTIONS = CrossValidationOptions(
    folds=2,
    first_days=7,
    first_days_source="events",
    variants={"logistic": {"estimator": "logistic"}},
)


@pytest.fixture(scope="module")
def tables():
    """Give everybody two events in the first week; scammers get five more in the third."""
    rng = np.random.default_rng(0)
    bad = np.arange(120) % 3 == 0
    first = pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 9, 120), unit="D")
    events = [
        (str(who), day + pd.Timedelta(days=offset))
        for who, day in enumerate(first)
        for offset in ([0, 6] + ([20] * 5 if bad[who] else []))
    ]
    last = first + pd.to_timedelta(np.full(120, 30), unit="D")
    connection = ibis.duckdb.connect(threads=1)
    labels = connection.create_table(
        "labels", pd.DataFrame({"who": np.arange(120).astype(str), "last": last, "bad": bad})
    )
    source = connection.create_table("events", pd.DataFrame(events, columns=["who", "at"]))
    yield labels, {"events": source}
    connection.disconnect()


@pytest.fixture(scope="module")
def comparison(tables):
    labels, sources = tables
    return compare_variants(labels, sources, FEATURES, TRAINING, OPTIONS)


def test_early_figures_see_the_first_days_only(tables):
    """What scammers do in the third week tells them, and nothing of it is known after one."""
    labels, sources = tables
    report = cross_validate_labels(labels, sources, FEATURES, TRAINING, OPTIONS)
    assert report["cross_validation"]["all"]["roc_auc"]["mean"] == 1
    assert report["first_days"]["days"] == 7
    assert report["first_days"]["cross_validation"]["roc_auc"]["mean"] == 0.5
    short = cross_validate_labels(
        labels, sources, FEATURES, TRAINING, replace(OPTIONS, first_days=0, first_days_source="")
    )
    assert "first_days" not in short


def test_the_comparison_shows_variants_and_calendar(comparison):
    """Default and variants have figures; the first event's day is measured beside them."""
    assert list(comparison["variants"]) == ["default", "logistic"]
    assert 0.5 <= comparison["calendar"]["alone"] < 0.7


def test_the_comparison_reaches_mlflow_and_a_picture(comparison):
    """Each variant's mean figures are metrics, and its gain over the default a dot."""
    metrics = list_comparison(comparison)
    assert metrics["logistic.roc_auc"] == {
        "value": comparison["variants"]["logistic"]["figures"]["roc_auc"]["mean"],
        "step": 0,
    }
    dots, _ = plot_comparison(comparison).data
    assert list(dots.y) == ["logistic"]
    assert dots.x[0] == comparison["variants"]["logistic"]["gain"]["recall_at_cases"]["mid"]
