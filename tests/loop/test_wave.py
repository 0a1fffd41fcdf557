"""A wave of new scams on made-up accounts: who arrives when, the alarm, the labels, the recall."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ucu_mlops.bundle.manifest import FeatureSpec
from ucu_mlops.errors import ConfigurationError, NotEnoughDataError
from ucu_mlops.loop.wave import ask, learn_from, play_wave
from ucu_mlops.loop.wave_arrivals import WaveOptions, cast_of, number_batches
from ucu_mlops.loop.wave_page import write_wave
from ucu_mlops.loop.wave_watch import MonitorOptions
from ucu_mlops.monitoring.drift import DriftOptions
from ucu_mlops.monitoring.options import DecisionOptions
from ucu_mlops.scam.estimator import TrainingOptions

FEATURES = tuple(
    FeatureSpec(name, "numeric", "made_up", "a1") for name in ("loud", "quick", "rich")
)
OPTIONS = WaveOptions(before=["old"], wave=["new"], batch=200, labels=60, folds=2)
TRAINING = TrainingOptions(
    lightgbm={"n_estimators": 40, "num_leaves": 7, "min_child_samples": 10}, calibration_folds=2
)
MONITOR = MonitorOptions(
    DriftOptions(floor=0.03), DecisionOptions(days=21, drifting_days=2, min_verdicts=0)
)


def draw_accounts(n_wave: int) -> pd.DataFrame:
    """Draw normal accounts and loud scams, then a wave of scams less loud but quick."""
    rng = np.random.default_rng(5)
    n_old = 3000
    scam = np.append(rng.random(n_old) < 0.2, np.ones(n_wave, dtype=bool))
    new = np.arange(n_old + n_wave) >= n_old
    loud = rng.normal(size=len(scam)) + 3.0 * (scam & ~new) + 2.2 * new
    quick = np.where(new, rng.normal(2.2, 0.3, len(scam)), rng.normal(size=len(scam)))
    frame = pd.DataFrame({"loud": loud, "quick": quick, "rich": rng.normal(size=len(scam))})
    first = pd.Timestamp("2020-01-01")
    return frame.assign(
        entity_id=[f"account {number}" for number in range(len(scam))],
        as_of=first + pd.to_timedelta(rng.integers(0, 900, len(scam)), unit="D"),
        label=scam.astype(int),
        cohort=np.where(new, "new", "old"),
    )


def play(rows: pd.DataFrame, seed: int = 0) -> dict:
    """Play the wave on made-up accounts."""
    return play_wave(rows, FEATURES, OPTIONS, training=TRAINING, monitor=MONITOR, seed=seed)


@pytest.fixture(scope="module")
def accounts():
    return draw_accounts(1000)


@pytest.fixture(scope="module")
def wave(accounts):
    return play(accounts)


def test_the_monitor_acts_and_labels_win_the_wave_back(wave):
    """Quiet batches raise no alarm, the wave does, and labels find what the champion missed."""
    told = wave.figures
    assert told["false_alarms"] == 0
    assert told["quiet_batches"] == told["wave_batches"]
    assert told["batches_to_action"] <= 3
    assert told["accounts_to_action"] <= 700
    assert told["recall_before"] < 0.75
    assert told["recall_after_60"] > told["recall_before"] + 0.1
    assert told["recall_after_all"] > 0.9
    assert told["recall_old_scams_after"] > told["recall_old_scams_before"] - 0.05
    assert any("score moved" in reason for reason in told["reasons"])


def test_the_same_seed_tells_the_same(accounts, wave):
    """Playing again, on rows in another order, gives the same figures to the last digit."""
    again = play(accounts.sample(frac=1, random_state=1))
    assert again.figures == wave.figures
    assert again.batches.equals(wave.batches)


def test_without_an_alarm_nothing_is_learnt():
    """A wave too thin to notice leaves the figures of after null, not made up."""
    thin = draw_accounts(12)
    told = play(thin).figures
    assert told["batches_to_action"] is None
    assert told["recall_after_60"] is told["recall_after_all"] is None
    assert told["recall_before"] is not None


def test_the_figures_are_written_and_told(wave, tmp_path):
    """JSON leads with the first seed and lists all; the lines and the page say the same."""
    said = write_wave([wave, wave], tmp_path)
    written = json.loads((tmp_path / "wave.json").read_text())
    assert written["recall_after_60"] == wave.figures["recall_after_60"]
    assert [each["seed"] for each in written["seeds"]] == [0, 0]
    assert "acted after 2 batches" in said
    assert f"{wave.figures['recall_after_all']:.3f}" in said
    page = (tmp_path / "wave.html").read_text()
    assert "after 60 labels" in page
    assert "retraining asked for" in page


def test_nobody_plays_two_parts(accounts):
    """No account that the champion learnt from arrives, and the wave arrives in order of time."""
    cast = cast_of(accounts, OPTIONS, seed=3)
    assert not set(cast.known["entity_id"]) & set(cast.arrivals["entity_id"])
    assert not set(cast.quiet["entity_id"]) & set(
        accounts.loc[accounts["cohort"].eq("new"), "entity_id"]
    )
    assert cast.arrivals.loc[cast.arrivals["is_new"], "as_of"].is_monotonic_increasing
    per_batch = cast.arrivals.groupby("batch")["is_new"].sum()
    assert per_batch.max() - per_batch.min() <= 2
    assert set(cast.arrivals["entity_id"]) | set(cast.known["entity_id"]) == set(
        accounts["entity_id"]
    )


@settings(max_examples=50, deadline=None)
@given(rows=st.integers(1, 2000), size=st.integers(2, 300))
def test_batches_are_nearly_even(rows, size):
    """Every row has a batch, in order, and no two batches differ by more than one row."""
    batches = number_batches(rows, size)
    counts = np.bincount(batches)
    assert len(batches) == rows
    assert (np.diff(batches) >= 0).all()
    assert counts.max() - counts.min() <= 1
    assert rows < size or counts.min() >= size


def test_moderators_are_asked_for_those_that_only_just_pass():
    """In each batch the same number right below the threshold, nobody above it."""
    pool = pd.DataFrame(
        {
            "entity_id": list("abcdefgh"),
            "batch": [0, 0, 0, 0, 1, 1, 1, 1],
            "probability": [0.1, 0.2, 0.3, 0.9, 0.29, 0.05, 0.31, 0.02],
        }
    )
    assert set(ask(pool, threshold=0.3, labels=4)["entity_id"]) == {"b", "a", "e", "f"}
    assert set(ask(pool, threshold=0.3, labels=2)["entity_id"]) == {"b", "e"}


def test_few_labels_weigh_more_and_many_do_not(accounts):
    """New labels weigh together a quarter of all at least, and each never less than an old one."""
    known, few, many = accounts[:900], accounts[900:1000], accounts[900:]
    learnt = learn_from(known, few, new_share=0.25)
    assert learnt["weight"][900:].sum() / learnt["weight"].sum() == pytest.approx(0.25)
    assert learn_from(known, many, new_share=0.25)["weight"].eq(1).all()


def test_a_missing_cohort_is_named(accounts):
    """Without a wave, or with one that is old, the error says which cohort to look at."""
    with pytest.raises(NotEnoughDataError, match=r"nobody is new.*wave\.wave \['other'\]"):
        cast_of(accounts, WaveOptions(before=["old"], wave=["other"]), seed=0)
    with pytest.raises(ConfigurationError, match=r"that wave\.before does not name"):
        WaveOptions(before=["old"], wave=["old"])


@pytest.mark.parametrize(
    "wrong", [{"batch": 1}, {"folds": 1}, {"labels": 0}, {"known_share": 1.0}, {"new_share": 0.0}]
)
def test_parts_that_hold_nothing_are_refused(wrong):
    """A size below what the story needs is refused by name."""
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        WaveOptions(before=["old"], wave=["new"], **wrong)
