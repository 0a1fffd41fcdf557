"""The evaluation puts both versions and the baseline side by side, in figures and a picture."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from ucu_mlops.bundle.manifest import FeatureSpec
from ucu_mlops.bundle.store import Bundle, write_bundle
from ucu_mlops.pipelines.evaluation.nodes import VERSIONS, evaluate, list_metrics
from ucu_mlops.pipelines.evaluation.plots import plot_evaluation
from ucu_mlops.quality.evaluation import EvaluationOptions
from ucu_mlops.scam.rule import RuleOptions, rule_draft

OPTIONS = EvaluationOptions(segments={"country": []}, resamples=50)


@pytest.fixture(scope="module")
def rule(tmp_path_factory) -> Bundle:
    """Write a rule; what it says is in the scores already."""
    spec = FeatureSpec("reports", "numeric", "reports", "a1")
    draft = rule_draft(RuleOptions({"reports": 1.0}), [spec], date(2026, 3, 31))
    return write_bundle(draft, tmp_path_factory.mktemp("rule") / "bundle")


@pytest.fixture(scope="module")
def scores() -> pd.DataFrame:
    """Draw users whom the challenger tells apart, the champion less, the baseline hardly."""
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, 300)
    noise = {"challenger": 0.2, "champion": 0.5, "baseline": 2.0}
    drawn = {name: rng.normal(label, sd) for name, sd in noise.items()}
    return pd.DataFrame(
        {
            "entity_id": np.arange(300).astype(str),
            "label": label,
            "weight": rng.choice([1.0, 5.0], 300),
            "country": rng.choice(["UA", "PL"], 300),
            **{name: 1 / (1 + np.exp(-values)) for name, values in drawn.items()},
        }
    )


@pytest.fixture(scope="module")
def report(scores, rule):
    return evaluate(scores, rule, rule, rule, OPTIONS)


def test_all_three_stand_on_the_same_rows(report, scores):
    """Each has figures, intervals, curves and segments; the gains say who is better."""
    assert (report["rows"], report["positives"]) == (300, scores["label"].sum())
    for name in VERSIONS:
        assert set(report[name]) >= {
            *("metrics", "intervals", "reliability", "lift", "segments", "threshold"),
        }
    assert report["gain"]["over_baseline"]["low"] > 0
    assert report["gain"]["over_baseline"]["mid"] > report["gain"]["over_champion"]["mid"]


def test_the_baseline_is_not_measured_at_a_threshold_that_nobody_set(report):
    """As written the rule has none; at its best one it finds something."""
    assert report["baseline"]["metrics"]["f1"] > 0.5


def test_each_figure_of_each_version_reaches_mlflow(report):
    """Figures at capacity are among them."""
    names = set(list_metrics(report))
    assert {f"{each}.recall_at_capacity" for each in VERSIONS} <= names
    assert {f"{each}.ece" for each in VERSIONS} <= names


def test_the_picture_shows_every_curve_of_every_version(report, scores):
    """Four panels, three versions, and the diagonal that calibration is read against."""
    figure = plot_evaluation(scores, report)
    assert len(figure.data) == 4 * len(VERSIONS) + 1
    assert {each.name for each in figure.data if each.name} == set(VERSIONS)


def test_one_class_is_reported_as_such(scores, rule):
    """No figure is made up, nothing is drawn but the empty panels, and the report says why."""
    alone = scores.assign(label=0)
    report = evaluate(alone, rule, rule, rule, OPTIONS)
    assert all(report[name]["metrics"] is None for name in VERSIONS)
    assert "both classes" in report["challenger"]["why_not"]
    assert list_metrics(report) == {}
    assert len(plot_evaluation(alone, report).data) == 1
