"""An entity is held out as a whole, and scammers are dealt out evenly."""

import numpy as np
import pandas as pd
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ucu_mlops.scam.folds import fold_of_each_row


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 1)), min_size=20, max_size=80),
    st.integers(2, 4),
    st.integers(0, 3),
)
def test_no_entity_is_on_both_sides(pairs, n_folds, seed):
    """Every row of an entity gets the same fold, and folds differ by one scammer at most."""
    rows = pd.DataFrame(pairs, columns=["entity_id", "label"])
    scammers = rows.groupby("entity_id")["label"].max()
    assume(n_folds <= scammers.sum() <= len(scammers) - n_folds)
    folds = fold_of_each_row(rows, n_folds, seed)
    by_entity = pd.Series(folds).groupby(rows["entity_id"].to_numpy())
    assert by_entity.min().equals(by_entity.max())
    counts = np.bincount(by_entity.first()[scammers == 1], minlength=n_folds)
    assert counts.max() - counts.min() <= 1


def test_without_entities_each_row_is_its_own():
    """A table of one row per account needs no further column."""
    folds = fold_of_each_row(pd.DataFrame({"label": [0, 1] * 10}), 5, 0)
    assert np.bincount(folds).tolist() == [4] * 5
