"""The hold-out stays the same whoever joins."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ucu_mlops.errors import ConfigurationError
from ucu_mlops.review.holdout import HoldoutOptions, is_holdout

IDS = st.lists(st.text(max_size=8), max_size=40)


@given(IDS, IDS)
def test_new_users_move_nobody(users, newcomers):
    """Adding users never changes who of the others is held out."""
    options = HoldoutOptions(share=0.3)
    together = is_holdout([*newcomers, *users], options)
    assert together[len(newcomers) :].tolist() == is_holdout(users, options).tolist()


def test_holds_out_its_share_and_growing_it_keeps_everyone():
    """A tenth of the users is held out, and a larger share holds them out too."""
    users = [f"u{number}" for number in range(20_000)]
    tenth = is_holdout(users, HoldoutOptions(share=0.1))
    assert 0.09 < tenth.mean() < 0.11
    assert is_holdout(users, HoldoutOptions(share=0.2))[tenth].all()


@pytest.mark.parametrize("share", [0, 1, -0.1, float("nan")])
def test_refuses_a_share_that_leaves_one_side_empty(share):
    """Nobody or everybody held out is no hold-out."""
    with pytest.raises(ConfigurationError, match=r"holdout\.share"):
        HoldoutOptions(share=share)
