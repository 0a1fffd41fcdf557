"""What the bench of the gate simulates is a platform, and its gate tells better from worse."""

import numpy as np
import pytest

from bench.gate_power import (
    CAPACITY,
    DAYS,
    EXPLORED,
    SECOND_LOOKS,
    SHUFFLED,
    play,
    print_rates,
    release_rates,
    separation,
)
from ucu_mlops.release.options import GateOptions


def test_each_day_has_its_places_and_no_case_comes_back_too_soon():
    """First looks fill what exploration and second looks leave, and a user is seen once a day."""
    rows = play(0, 0.1).rows
    assert rows.groupby("as_of").size().tolist() == [CAPACITY - SECOND_LOOKS] * DAYS
    assert not rows.duplicated(["entity_id", "as_of"]).any()
    assert rows["weight"].gt(1).sum() == EXPLORED * DAYS
    confirmed = rows[rows["label"].eq(1)]
    assert confirmed["entity_id"].is_unique


@pytest.mark.parametrize("recall", [0.02, 0.12, 0.32])
def test_scores_tell_scammers_apart_as_asked(recall):
    """Drawn a million times, the recall at capacity is the one asked for."""
    generator = np.random.default_rng(0)
    scams = generator.random(1_000_000) < 0.0085
    scores = separation(recall) * scams + generator.normal(size=scams.size)
    threshold = np.quantile(scores, 1 - CAPACITY / 20_000)
    assert (scores[scams] > threshold).mean() == pytest.approx(recall, abs=0.02)


def test_a_few_seeds_release_what_is_better_and_no_noise(capsys):
    """Twenty points more nearly always, ten points less and noise never; a line per share."""
    rates = release_rates(range(4), [0.3], GateOptions(resamples=100))
    assert sum(rates[0.3, 0.2]["sound"]) >= 3
    assert sum(rates[0.3, -0.1]["faulty"]) == sum(rates[0.3, SHUFFLED]["faulty"]) == 0
    print_rates(rates, 4)
    assert "30%" in capsys.readouterr().out
