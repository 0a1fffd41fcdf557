"""Variants of training are compared on the same folds, and a calendar feature is shown to leak."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ucu_mlops.errors import ConfigurationError
from ucu_mlops.scam.comparison import GAINS, add_first_event_day, compare
from ucu_mlops.scam.crossvalidation import CrossValidationOptions

OPTIONS = CrossValidationOptions(
    folds=2,
    variants={
        "same": {},
        "smotenc": {"balancing": "smotenc"},
        "deaf": {"lightgbm": {"n_estimators": 1, "num_leaves": 2}},
    },
)


@pytest.fixture(scope="module")
def quick(options):
    return replace(options, lightgbm={"n_estimators": 15, "num_leaves": 7}, calibration_folds=2)


@pytest.fixture(scope="module")
def report(training_set, features, quick):
    era = pd.DataFrame(
        {
            "entity_id": training_set["entity_id"],
            "first": pd.Timestamp("2026-01-01") + pd.to_timedelta(training_set["label"], unit="D"),
        }
    ).drop_duplicates("entity_id")
    return compare(add_first_event_day(training_set, era), features, quick, OPTIONS)


def test_each_variant_has_figures_and_its_gain_over_the_default(report, training_set):
    """The default comes first; the others say what they change and by how much that helped."""
    assert list(report["variants"]) == ["default", *OPTIONS.variants]
    for name, variant in report["variants"].items():
        assert {*GAINS, "pr_auc", "f1", "recall_at_1pct_fpr", "ece"} <= set(variant["figures"])
        assert ("gain" in variant) == (name != "default")
    assert report["variants"]["smotenc"]["changes"] == {"balancing": "smotenc"}
    assert report["cases"] == round(0.2 * len(training_set))


def test_the_folds_are_the_same(report):
    """A variant that changes nothing has the default's figures and gains nothing."""
    same = report["variants"]["same"]
    assert same["figures"] == report["variants"]["default"]["figures"]
    assert all(set(interval.values()) == {0.0} for interval in same["gain"].values())


def test_a_worse_variant_is_seen(report):
    """A single split ranks surely worse than the default does."""
    assert report["variants"]["deaf"]["gain"]["roc_auc"]["high"] < 0


def test_a_calendar_feature_is_shown_to_leak(report):
    """Where classes began on different days, the day alone tells them apart."""
    calendar = report["calendar"]
    assert calendar["alone"] > 0.8
    assert calendar["with"]["roc_auc"]["mean"] > calendar["without"]["roc_auc"]["mean"]


def test_without_the_day_nothing_is_said_about_it(training_set, features, quick):
    """The calendar is never one of the declared features."""
    bare = compare(training_set, features, quick, replace(OPTIONS, variants={}))
    assert "calendar" not in bare


def test_days_are_counted_from_1970():
    """The second of January 1970 is day 1; who has no event has no day."""
    rows = pd.DataFrame({"entity_id": ["a", "b"]})
    first = pd.DataFrame({"entity_id": ["a"], "first": [pd.Timestamp("1970-01-02")]})
    days = add_first_event_day(rows, first)["first_event_day"]
    assert days[0] == 1
    assert np.isnan(days[1])


@pytest.mark.parametrize(
    ("variants", "complaint"),
    [({"default": {}}, "must not name 'default'"), ({"odd": {"trees": 3}}, r"'odd' changes")],
    ids=["taken name", "no option"],
)
def test_refuses(training_set, features, quick, variants, complaint):
    """A variant has a name of its own and changes training options only."""
    with pytest.raises(ConfigurationError, match=complaint):
        compare(training_set, features, quick, replace(OPTIONS, variants=variants))
