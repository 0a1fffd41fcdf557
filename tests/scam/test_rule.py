"""The rule is a bundle like any other: a sigmoid of a weighted sum."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from ucu_mlops.bundle.manifest import FeatureSpec
from ucu_mlops.bundle.predict import Predictor
from ucu_mlops.bundle.store import write_bundle
from ucu_mlops.errors import ConfigurationError
from ucu_mlops.scam.reasons import explain
from ucu_mlops.scam.rule import RuleOptions, rule_draft

REPORTERS = FeatureSpec("reporters_7d", "numeric", "reports", "r1")
LINKS = FeatureSpec("link_share_7d", "numeric", "messages", "m1")
OPTIONS = RuleOptions(weights={"reporters_7d": 1.0, "link_share_7d": 2.0}, bias=-4.0)


@pytest.fixture
def rule(tmp_path):
    return write_bundle(rule_draft(OPTIONS, [REPORTERS, LINKS], date(2026, 1, 1)), tmp_path / "r")


def test_adds_up_what_it_is_told(rule):
    """Each answer is the sigmoid of the weighted sum; the unknown counts as 0."""
    frame = pd.DataFrame(
        {"reporters_7d": [0, 3, None, 1e70], "link_share_7d": [0.0, 0.5, np.inf, None]}
    )
    expected = 1 / (1 + np.exp(-np.array([-4.0, 0.0, -4.0, np.inf])))
    answers = Predictor(rule).predict(frame)[:, 0]
    np.testing.assert_allclose(answers, expected.clip(1e-6, 1 - 1e-6), atol=1e-6)
    assert rule.manifest.kind == "rule"
    assert rule.manifest.training["importances"] == pytest.approx(
        {"reporters_7d": 1 / 3, "link_share_7d": 2 / 3}
    )


def test_explains_itself_by_its_weights(rule):
    """What adds to the sum is named, the largest first; what adds nothing is not."""
    frame = pd.DataFrame({"reporters_7d": [1, 0], "link_share_7d": [0.75, np.nan]})
    assert explain(rule, frame, {}) == [["link share (7 days): 75 %", "reporters (7 days): 1"], []]


@pytest.mark.parametrize(
    ("features", "complaint"),
    [
        ([REPORTERS], r"differ in \['link_share_7d'\]"),
        (
            [REPORTERS, FeatureSpec("link_share_7d", "categorical", "messages", "m1")],
            r"numeric features, got \['link_share_7d'\]",
        ),
    ],
    ids=["missing", "category"],
)
def test_refuses_features(features, complaint):
    """Weights and features belong together, and categories cannot be added up."""
    with pytest.raises(ConfigurationError, match=complaint):
        rule_draft(OPTIONS, features, date(2026, 1, 1))


@pytest.mark.parametrize(
    ("weights", "complaint"),
    [({}, "at least one"), ({"reporters_7d": float("nan")}, "finite number, got nan")],
)
def test_options_refuse(weights, complaint):
    """A rule that looks at nothing, or adds NaN, is no rule."""
    with pytest.raises(ConfigurationError, match=complaint):
        RuleOptions(weights=weights)
