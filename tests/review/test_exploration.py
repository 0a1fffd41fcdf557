"""Strata cover everybody once, and the draw from them is as probable as it says."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ucu_mlops.review.exploration import draw_by_strata


def users(probabilities):
    """Make users, most probable first."""
    probabilities = np.sort(np.asarray(probabilities, dtype=float))[::-1]
    return pd.DataFrame(
        {"entity_id": [f"u{n}" for n in range(len(probabilities))], "probability": probabilities}
    )


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from([0.0, 1e-9, 0.001, 0.02, 0.5, 1.0]), max_size=60),
    st.integers(0, 12),
    st.floats(0, 1),
    st.integers(0, 99),
)
def test_strata_cover_everybody_once(probabilities, places, uniform_share, seed):
    """As many are drawn as there are places or users, none twice, weights adding up to all."""
    drawn = draw_by_strata(users(probabilities), places, str(seed), uniform_share=uniform_share)
    assert len(drawn) == min(places, len(probabilities))
    assert drawn["entity_id"].is_unique
    assert (1 / drawn["propensity"]).sum() == pytest.approx(len(probabilities) if places else 0)


def test_the_probable_are_drawn_more_often_and_nobody_never():
    """All but the uniform share goes where violations are expected; the rest bounds the weight."""
    rows = users([0.5] * 200 + [1e-6] * 10_000)
    drawn = draw_by_strata(rows, 20, "day", uniform_share=0.3)
    assert (drawn["probability"] == 0.5).sum() in {14, 15}
    assert (1 / drawn["propensity"]).max() < 10_000 / (20 * 0.3) * 1.2


def test_each_of_a_stratum_is_drawn_alike():
    """Over many days everybody is drawn about as often as the propensity says."""
    rows = users(np.linspace(0.9, 0.01, 30))
    days = [draw_by_strata(rows, 5, f"day {day}", uniform_share=0.3) for day in range(3_000)]
    drawn = pd.concat(days)
    found = drawn["entity_id"].value_counts() / len(days)
    expected = drawn.groupby("entity_id")["propensity"].first()
    assert set(found.index) == set(rows["entity_id"])
    assert (found - expected).abs().max() < 0.04
