"""Which rows are held out together: all days of an entity, positive entities dealt out evenly."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold

from ucu_mlops.errors import NotEnoughDataError


def fold_of_each_row(
    rows: pd.DataFrame, n_folds: int, seed: int, min_positives: int = 0
) -> NDArray[np.int64]:
    """Deal out whole entities; one that is positive on any day counts as positive.

    Args:
        rows: One row per entity and day: ``label`` (0 or 1) and ``entity_id``; each row is an
            entity of its own where the latter is absent.
        n_folds: How many folds, at least 2.
        seed: Seed of the shuffle; the same rows in the same order are dealt out the same way.
        min_positives: Positive entities that there must be, beyond one per fold.

    Returns:
        The fold of each row, from 0, shape ``(n_rows,)``.

    Raises:
        NotEnoughDataError: Too few entities of either class.
    """
    labels = rows["label"].to_numpy(dtype=np.int64)
    entity_of_row = np.arange(len(rows))
    if "entity_id" in rows.columns:
        entity_of_row, _ = pd.factorize(rows["entity_id"])
    positive = np.zeros(entity_of_row.max(initial=-1) + 1, dtype=np.int64)
    np.maximum.at(positive, entity_of_row, labels)

    needed, found = max(min_positives, n_folds), int(positive.sum())
    others = len(positive) - found
    if found < needed or others < n_folds:
        raise NotEnoughDataError(
            f"{n_folds} folds need {needed} positive entities and {n_folds} others, "
            f"got {found} and {others}; wait for more verdicts or take more days"
        )
    fold_of_entity = np.empty(len(positive), dtype=np.int64)
    dealer = StratifiedKFold(n_folds, shuffle=True, random_state=seed)
    for fold, (_, held_out) in enumerate(dealer.split(positive, positive)):
        fold_of_entity[held_out] = fold
    return fold_of_entity[entity_of_row]
