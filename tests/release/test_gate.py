"""The gate promotes what is better beyond doubt, and says why it does not."""

import json
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from ucu_mlops.errors import ConfigurationError, DataError, DuplicateKeyError, SchemaError
from ucu_mlops.release.conditions import (
    needs_no_proof,
    no_data_fault,
    not_older,
    quick_enough,
)
from ucu_mlops.release.gate import compare
from ucu_mlops.release.options import GateOptions

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


def failed(report):
    """Name the conditions that do not hold."""
    return [each.name for each in report.conditions if not each.holds]


def test_promotes_what_is_clearly_better():
    """A challenger that orders far better passes, and its report is JSON with both figures."""
    report = compare(holdout(), FAST)
    assert report.action == "promote"
    assert conditions(report) == dict.fromkeys(
        [
            *("enough_positives", "beats_chance", "gain_above_margin"),
            *("segments_hold", "calibration_holds"),
        ],
        True,
    )
    told = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    recent, gain = told["metrics"]["recent"], told["metrics"]["gain"]
    assert (recent["metric"], recent["days"]) == ("recall_at_capacity", 28)
    assert recent["challenger"] - recent["champion"] == pytest.approx(gain["mid"])
    assert (told["metrics"]["positives"], told["metrics"]["capacity"]) == (60, 80)
    assert told["conditions"][2]["measured"] == gain["low"] > 0
    assert set(told["conditions"][0]) == {"name", "holds", "measured", "needed"}


def test_goes_back_as_far_as_the_wanted_positives_ask_for():
    """With too few positives in the recent days earlier ones are compared too, and no others."""
    frame = holdout()
    positive = frame["label"].eq(1)
    ages = np.where(positive, frame["entity_id"].str[1:].astype(int) * 3, 0)
    old = frame.assign(as_of=pd.Timestamp("2026-06-01") - pd.to_timedelta(ages, unit="D"))
    old = old.drop_duplicates(["entity_id", "as_of"])

    def compared(wanted: int) -> tuple[int, int]:
        metrics = compare(old, GateOptions(resamples=200, wanted_positives=wanted)).metrics
        return metrics["recent"]["days"], metrics["positives"]

    assert compared(wanted=20) == (58, 20)
    assert compared(wanted=5) == (28, 10)
    assert compared(wanted=1000) == (178, 60)


def test_keeps_the_champion_against_its_equal():
    """The same scores gain nothing; twenty equally good challengers hardly ever pass."""
    frame = holdout()
    assert compare(frame.assign(challenger=frame["champion"]), FAST).action == "keep"
    passed = [
        compare(holdout(champion_skill=1, challenger_skill=1, seed=seed), FAST).action
        for seed in range(20)
    ]
    assert passed.count("promote") <= 2


def test_a_gain_must_exceed_the_margin():
    """A gain that is certain but small does not pass a margin above it."""
    report = compare(holdout(), GateOptions(resamples=200, margin=0.9))
    assert (report.action, failed(report)) == ("keep", ["gain_above_margin"])


def test_where_the_champion_is_faulty_no_worse_is_enough():
    """What gains nothing passes a lenient gate, and what loses much does not."""
    frame = holdout(challenger_skill=2.0, champion_skill=2.0)
    same = frame.assign(challenger=frame["champion"])
    assert failed(compare(same, FAST)) == ["gain_above_margin"]
    assert compare(same, FAST, lenient=True).action == "promote"
    worse = holdout(champion_skill=3.0, challenger_skill=1.0)
    assert failed(compare(worse, FAST, lenient=True)) == ["not_inferior"]


def test_noise_passes_nowhere():
    """A challenger that knows nothing is released by no gate, however poor the champion."""
    for seed in range(40):
        frame = holdout(champion_skill=0.0, challenger_skill=0.0, seed=seed)
        assert "beats_chance" in failed(compare(frame, FAST, lenient=True))


def test_too_few_positives_give_no_interval():
    """With 5 positive users the gain is null, not an interval of no width, and nothing passes."""
    report = compare(holdout(positives=5, challenger_skill=4.0), FAST, lenient=True)
    assert report.metrics["gain"] is None
    assert failed(report)[0] == "enough_positives"
    assert report.action == "keep"


@pytest.mark.parametrize(
    "rows",
    [holdout().iloc[:0], holdout(positives=0), holdout(n=80, positives=40)],
    ids=["nobody", "no positive", "only positives"],
)
def test_nothing_to_compare_keeps_the_champion(rows):
    """Without both classes nothing is measured, and the report says so."""
    report = compare(rows, FAST)
    assert report.action == "keep"
    assert report.conditions[1].measured is None
    json.dumps(report.to_dict(), allow_nan=False)


def test_a_segment_that_falls_is_named_and_small_ones_are_not_measured():
    """A challenger that gives up one country fails although it is better on the whole."""
    frame = holdout(n=800, positives=120, champion_skill=1.0, challenger_skill=4.0)
    users = frame["entity_id"].str[1:].astype(int)
    lost = users.between(0, 24)
    country = np.where(lost, "A", np.where(users.eq(30), "C", "B"))
    spoilt = frame.assign(
        country=country,
        champion=frame["champion"].mask(lost, 0.999),
        challenger=frame["challenger"].mask(lost, 0.001),
        weight=1.0,
    )
    careless = GateOptions(resamples=200, calibration_rise=1)
    report = compare(spoilt, careless, segments={"country": []})
    assert failed(report) == ["segments_hold"]
    segments = report.metrics["segments"]
    assert segments["country: A"]["gain"]["high"] < -0.1
    assert segments["country: B"]["gain"]["low"] > 0
    assert segments["country: C"] == {"positives": 1, "gain": None}


def test_probabilities_that_promise_far_too_much_fail():
    """The same order at ten times the probability is no release."""
    frame = holdout(champion_skill=0.5, challenger_skill=3.0)
    low, high = (0.2 * frame[name] for name in ("champion", "challenger"))
    assert compare(frame.assign(champion=low, challenger=high), FAST).action == "promote"
    boasting = frame.assign(champion=low, challenger=0.9 + high / 10)
    assert failed(compare(boasting, FAST)) == ["calibration_holds"]


def test_conditions_on_the_versions_themselves():
    """Age, speed and a day of broken data are asked for by name."""
    assert not not_older("2026-03-01", "2026-03-02").holds
    assert not_older("2026-03-02", "2026-03-02").holds
    assert quick_enough({"champion": 0.2, "challenger": 0.5}, 3.0, 0.1).holds
    assert quick_enough({"champion": 0.001, "challenger": 0.09}, 3.0, 0.1).holds
    assert not quick_enough({"champion": 0.2, "challenger": 0.7}, 3.0, 0.1).holds
    assert [no_data_fault(each).holds for each in ("data_fault", "retrain", None)] == [
        False,
        True,
        True,
    ]
    kept = compare(holdout(), FAST).also(no_data_fault("data_fault"))
    assert (kept.action, failed(kept)) == ("keep", ["no_data_fault"])


@pytest.mark.parametrize(
    ("kind", "trained", "action", "lenient"),
    [
        ("model", "2026-03-01", "none", False),
        ("model", "2026-03-01", "retrain", True),
        ("model", "2025-12-01", None, True),
        ("rule", "2025-12-01", "retrain", False),
    ],
    ids=["sound", "drifted", "too old", "a rule"],
)
def test_who_is_replaced_without_proof(kind, trained, action, lenient):
    """Only a model that drifted or is too old gives way to what is no worse."""
    assert needs_no_proof(kind, trained, date(2026, 4, 1), action, 90) is lenient


def test_the_order_of_rows_does_not_matter():
    """The same rows in another order give the same report."""
    frame = holdout()
    assert compare(frame, FAST) == compare(frame.iloc[::-1], FAST)


def test_one_explored_positive_does_not_decide():
    """A missed positive that stands for a million users costs a tenth of the recall at most."""
    frame = holdout(n=400, positives=20, challenger_skill=8.0)
    (positive, *_) = frame.index[frame["label"].eq(1)]
    frame.loc[positive, ["weight", "challenger"]] = [1e6, 0.0]
    assert compare(frame, FAST).metrics["recent"]["challenger"] >= 0.9 - 1e-9


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
        compare(spoil(holdout()), FAST)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "wrong",
    [{"capacity_share": 0}, {"level": 1}, {"min_positives": 0}, {"margin": 2}, {"metric": "luck"}],
    ids=str,
)
def test_refuses_options(wrong):
    """A gate that lets everything or nothing through is refused by name."""
    with pytest.raises(ConfigurationError, match=f"gate.{next(iter(wrong))}"):
        GateOptions(**wrong)


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
    assert compare(rows, GateOptions(resamples=50)).action == "promote"
    long = GateOptions(resamples=50, recent_days=365, half_life_days=1e9)
    assert compare(rows, long).action == "keep"
    fading = GateOptions(resamples=50, recent_days=365)
    gain = [compare(rows, each).metrics["gain"]["mid"] for each in (long, fading)]
    assert gain[0] < 0 < gain[1]
