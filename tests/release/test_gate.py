"""The gate promotes what is better beyond doubt, and says why it does not."""

import json
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from ucu_mlops.errors import ConfigurationError, DataError, DuplicateKeyError, SchemaError
from ucu_mlops.release.gate import GateOptions, compare

FAST = GateOptions(resamples=200)


def holdout(n=400, positives=60, champion_skill=0.5, challenger_skill=2.0, seed=0):
    """Make held-out rows, two per user, whose scores tell positives by so many deviations."""
    generator = np.random.default_rng(seed)
    label = np.zeros(n, dtype=int)
    label[: 2 * positives] = 1
    noise = generator.normal(size=(2, n))
    frame = pd.DataFrame(
        {
            "entity_id": [f"u{number // 2}" for number in range(n)],
            "as_of": [date(2026, 4, 1) + timedelta(days=number % 2) for number in range(n)],
            "label": label,
            "weight": np.where(np.arange(n) % 10 == 0, 50.0, 1.0),
            "champion": 1 / (1 + np.exp(-noise[0] - champion_skill * label)),
            "challenger": 1 / (1 + np.exp(-noise[1] - challenger_skill * label)),
        }
    )
    return frame.sample(frac=1, random_state=seed)


def conditions(report):
    """Tell which conditions hold."""
    return {each.name: each.holds for each in report.conditions}


def test_promotes_what_is_clearly_better():
    """A challenger that orders far better passes, and its report is JSON with both figures."""
    report = compare(holdout(), "model", FAST)
    assert report.action == "promote"
    assert conditions(report) == {"enough_positives": True, "gain_above_margin": True}
    told = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    recalls = told["metrics"]["recall_at_capacity"]
    assert recalls["challenger"] - recalls["champion"] == pytest.approx(
        told["metrics"]["gain"]["mid"]
    )
    assert (told["metrics"]["positives"], told["metrics"]["capacity"]) == (60, 80)
    assert told["conditions"][1]["measured"] == told["metrics"]["gain"]["low"] > 0
    assert set(told["conditions"][0]) == {"name", "holds", "measured", "needed"}


def test_keeps_the_champion_against_its_equal():
    """The same scores gain nothing; twenty equally good challengers hardly ever pass."""
    frame = holdout()
    assert compare(frame.assign(challenger=frame["champion"]), "model", FAST).action == "keep"
    passed = [
        compare(holdout(champion_skill=1, challenger_skill=1, seed=seed), "model", FAST).action
        for seed in range(20)
    ]
    assert passed.count("promote") <= 4


def test_a_gain_must_exceed_the_margin():
    """A gain that is certain but small does not pass a margin above it."""
    strict = GateOptions(resamples=200, margin=0.9)
    report = compare(holdout(), "model", strict)
    assert conditions(report) == {"enough_positives": True, "gain_above_margin": False}
    assert report.action == "keep"


@pytest.mark.parametrize(
    ("champion_kind", "better", "action", "failed"),
    [
        ("model", True, "keep", ["enough_positives", "gain_above_margin"]),
        ("rule", True, "promote", []),
        ("rule", False, "keep", ["better_than_rule"]),
    ],
    ids=["a model stays", "a rule gives way", "a rule does not give way to worse"],
)
def test_few_positives_excuse_only_the_rule(champion_kind, better, action, failed):
    """With 5 positive users only a rule can be replaced, and only by a better figure."""
    skills = {"champion_skill": 0.0, "challenger_skill": 3.0 if better else -3.0}
    report = compare(holdout(positives=5, **skills), champion_kind, FAST)
    found = [name for name, holds in conditions(report).items() if not holds]
    assert report.action == action
    if champion_kind == "model":
        assert "enough_positives" in found
        assert set(found) <= set(failed)
    else:
        assert found == failed


@pytest.mark.parametrize("champion_kind", ["model", "rule"])
@pytest.mark.parametrize(
    "rows",
    [holdout().iloc[:0], holdout(positives=0), holdout(n=80, positives=40)],
    ids=["nobody", "no positive", "only positives"],
)
def test_nothing_to_compare_keeps_the_champion(champion_kind, rows):
    """Without both classes nothing is measured, and the report says so."""
    report = compare(rows, champion_kind, FAST)
    assert report.action == "keep"
    assert report.conditions[1].measured is None
    json.dumps(report.to_dict(), allow_nan=False)


def test_the_order_of_rows_does_not_matter():
    """The same rows in another order give the same report."""
    frame = holdout()
    assert compare(frame, "model", FAST) == compare(frame.iloc[::-1], "model", FAST)


@pytest.mark.parametrize(("max_weight", "recall"), [(1, 0.5), (3, 0.25), (1e9, 1e-6)], ids=str)
def test_weights_are_clipped(max_weight, recall):
    """A missed positive that stands for a million users counts for max_weight at most."""
    frame = pd.DataFrame(
        {
            "entity_id": list("abcdefghij"),
            "as_of": date(2026, 4, 1),
            "label": [1, 1] + [0] * 8,
            "weight": [1.0, 1e6] + [1.0] * 8,
            "champion": [0.9] + [0.1] * 9,
            "challenger": [0.9, 0.0] + [0.1] * 8,
        }
    )
    options = GateOptions(max_weight=max_weight, min_positives=1, resamples=20, capacity_share=0.1)
    found = compare(frame, "model", options).metrics["recall_at_capacity"]
    assert found["challenger"] == pytest.approx(recall, rel=1e-3)


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (lambda frame: frame.drop(columns="champion"), SchemaError),
        (lambda frame: pd.concat([frame, frame.head(1)]), DuplicateKeyError),
        (lambda frame: frame.assign(entity_id=None), DuplicateKeyError),
        (lambda frame: frame.assign(label=2), DataError),
        (lambda frame: frame.assign(weight=0.0), DataError),
        (lambda frame: frame.assign(challenger=np.nan), DataError),
    ],
    ids=["no column", "twice", "nobody", "no label", "no weight", "no probability"],
)
def test_refuses_rows(spoil, error):
    """What cannot be compared is refused in one line."""
    with pytest.raises(error) as raised:
        compare(spoil(holdout()), "model", FAST)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "wrong",
    [{"capacity_share": 0}, {"level": 1}, {"min_positives": 0}, {"margin": 2}, {"max_weight": 0.5}],
    ids=str,
)
def test_refuses_options(wrong):
    """A gate that lets everything or nothing through is refused by name."""
    with pytest.raises(ConfigurationError, match=f"gate.{next(iter(wrong))}"):
        GateOptions(**wrong)


def test_against_a_rule_hardly_worse_is_not_enough():
    """A margin below 0 lets a fresher model pass a model that is as good, but not a rule."""
    rows = pd.DataFrame(
        {
            "entity_id": [f"user-{number}" for number in range(100)],
            "as_of": date(2026, 3, 1),
            "label": [1] * 50 + [0] * 50,
            "weight": 1.0,
            "champion": [0.9 - 0.001 * number for number in range(100)],
        }
    )
    rows["challenger"] = rows["champion"]
    options = GateOptions(margin=-0.05, resamples=50)
    assert compare(rows, "model", options).action == "promote"
    assert compare(rows, "rule", options).action == "keep"


def test_old_days_do_not_outvote_recent_ones():
    """A challenger that is better since a shift passes, although it was worse before."""
    users = [f"user-{number}" for number in range(400)]
    recent = np.arange(400) >= 300
    label = np.arange(400) % 4 == 0
    good, bad = label * 0.9 + 0.01, (~label) * 0.9 + 0.01
    rows = pd.DataFrame(
        {
            "entity_id": users,
            "as_of": [date(2026, 3, 30) if new else date(2026, 1, 5) for new in recent],
            "label": label.astype(int),
            "weight": 1.0,
            "champion": np.where(recent, bad, good),
            "challenger": np.where(recent, good, bad),
        }
    )
    assert compare(rows, "model", GateOptions(resamples=50)).action == "promote"
    assert compare(rows, "model", GateOptions(resamples=50, recent_days=365)).action == "keep"
