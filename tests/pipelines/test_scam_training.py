"""A training set has an identity that the same rows and definitions always get."""

from datetime import date

import ibis
import pandas as pd
import pytest

from ucu_mlops.bundle.specs import feature_specs
from ucu_mlops.bundle.store import Bundle, write_bundle
from ucu_mlops.features.declarations import parse_declarations
from ucu_mlops.features.period import Period
from ucu_mlops.pipelines.scam_training.nodes import TrainingSetOptions, build_training_set
from ucu_mlops.scam.rule import RuleOptions, rule_draft

DAY = date(2026, 3, 3)


def declared(aggregate: str) -> dict:
    """Declare one feature about how long somebody was there."""
    time_spent = {"aggregate": aggregate, "column": "duration_s", "windows": [7]}
    return {
        "sources": {"sessions": {"entity": "user_id", "occurred": "occurred_at"}},
        "sessions": {
            "description": "How long a user comes.",
            "source": "sessions",
            "features": {"time_spent": time_spent},
        },
    }


@pytest.fixture(scope="module")
def rule(tmp_path_factory) -> Bundle:
    """Write a rule to be champion and baseline."""
    specs = feature_specs(parse_declarations(declared("sum")), ["time_spent_7d"])
    draft = rule_draft(RuleOptions({"time_spent_7d": 1.0}), specs, DAY)
    return write_bundle(draft, tmp_path_factory.mktemp("rule") / "bundle")


def build(
    rule: Bundle,
    durations: tuple[float, ...] = (1e16, 1.0, -1e16),
    aggregate: str = "sum",
    label: int = 1,
    decided: str = "2026-03-02 12:00",
    holdout_share: float = 0.001,
) -> pd.DataFrame:
    """Build the training set of one labelled user with some sessions."""
    sessions = pd.DataFrame(
        {
            "user_id": "ann",
            "occurred_at": pd.date_range("2026-02-27", periods=len(durations), tz="UTC"),
            "duration_s": durations,
        }
    )
    labels = pd.DataFrame(
        {
            "model": ["scam"],
            "entity_id": ["ann"],
            "as_of": [date(2026, 3, 1)],
            "label": [label],
            "weight": [1.0],
            "cohort": ["all"],
            "decided_at": pd.DatetimeIndex([decided], tz="UTC"),
        }
    )
    options = TrainingSetOptions(["time_spent_7d"], 90, holdout_share, "salt", 1.0)
    return build_training_set(
        ibis.memtable(labels),
        {"sessions": ibis.memtable(sessions)},
        declared(aggregate),
        rule,
        rule,
        options,
        Period(DAY, DAY),
    )


def test_the_last_digits_of_a_sum_are_no_other_training_set(rule):
    """Rows in another order, as parallel sums take them, give other digits and the same id."""
    one, other = build(rule), build(rule, durations=(1e16, -1e16, 1.0))
    assert one["time_spent_7d"].tolist() != other["time_spent_7d"].tolist()
    assert one["training_id"].tolist() == other["training_id"].tolist()


@pytest.mark.parametrize(
    "change",
    [
        {"label": 0},
        {"decided": "2026-03-02 13:00"},
        {"aggregate": "mean"},
        {"holdout_share": 0.999},
    ],
    ids=["another label", "another verdict", "another definition", "another split"],
)
def test_what_is_learnt_from_makes_the_identity(rule, change):
    """Another label, verdict, definition or split is another training set."""
    assert build(rule)["training_id"].tolist() != build(rule, **change)["training_id"].tolist()
