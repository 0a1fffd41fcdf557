"""Which decided cases another moderator decides again, blind.

An explored confirmation stands for hundreds of users, so all of them are looked at again; of the
other cases a sample tells how often moderators err.
"""

import numpy as np
import pandas as pd

from ucu_mlops.quality.hashing import hash_share


def draw_second_looks(
    past: pd.DataFrame, today: pd.Timestamp, places: int, patience_days: int, salt: str
) -> pd.DataFrame:
    """Choose first looks to be repeated.

    Explored confirmations wait for a place for ``patience_days``; any other case has one chance,
    on the day of its verdict, so that its propensity is that day's alone.

    Args:
        past: One row per first look whose user may be looked at again: ``case_id``,
            ``decided_at`` (timestamp, UTC), ``explored``, ``confirmed`` and ``dismissed``
            (booleans), ``looked_again`` (boolean).
        today: The day (UTC, midnight at its beginning).
        places: How many at most.
        patience_days: For how many days an explored confirmation waits.
        salt: What the dice are thrown for.

    Returns:
        The drawn rows with ``propensity``, given the verdicts known.
    """
    pool = past[(past["confirmed"] | past["dismissed"]) & ~past["looked_again"]]
    pool = pool.sort_values(["decided_at", "case_id"])
    end = today + pd.Timedelta(days=1)
    weighty = pool["explored"] & pool["confirmed"]
    waiting = pool[weighty & pool["decided_at"].ge(end - pd.Timedelta(days=patience_days))]
    certain = waiting.head(places).assign(propensity=1.0)
    others = pool[~weighty & pool["decided_at"].ge(today)]
    drawn = min(places - len(certain), len(others))
    lucky = np.argsort(hash_share(others["case_id"], salt), kind="stable")[:drawn]
    sample = others.iloc[lucky].assign(propensity=drawn / max(len(others), 1))
    return pd.concat([part for part in (certain, sample) if len(part)] or [certain])
