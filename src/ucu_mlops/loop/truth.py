"""How good a ranking truly is, and how good one learnt from the truth would be: simulation only."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ucu_mlops.bundle.manifest import FeatureSpec
from ucu_mlops.quality.hashing import hash_share
from ucu_mlops.scam.estimator import TrainingOptions, fit

HONEST_PER_SCAMMER = 10  # more teach the oracle little and cost minutes
Recall = tuple[int, int]


@dataclass(frozen=True)
class Platform:
    """What happened on a simulated platform, and who is who.

    Attributes:
        looked: One row per first-look case: ``entity_id``, ``as_of``, ``is_violation`` (null while
            open), ``decided_at`` (UTC).
        truth: One row per user: ``user_id``, ``is_scammer``, ``kind``, ``active_from`` (UTC).
        capacity: Cases a day that moderators can check.
        dismissed_days: Days for which a dismissed user is left alone.
    """

    looked: pd.DataFrame
    truth: pd.DataFrame
    capacity: int
    dismissed_days: int

    def is_scamming(self, entities: pd.Series, days: pd.Series) -> NDArray[np.bool_]:
        """Tell whether each user scams on the day beside it."""
        known = self.truth.set_index("user_id")
        begins = entities.map(known["active_from"].where(known["is_scammer"]))
        night = pd.to_datetime(days).dt.tz_localize("UTC") + pd.Timedelta(days=1)
        scamming: NDArray[np.bool_] = begins.lt(night).to_numpy()
        return scamming

    def barred(self, day: date) -> set[str]:
        """Name who may not be queued on a day: confirmed, waiting for a verdict, just dismissed."""
        today = pd.Timestamp(day, tz="UTC")
        past = self.looked[self.looked["as_of"].lt(pd.Timestamp(day))]
        decided = past["is_violation"].notna() & past["decided_at"].lt(today + pd.Timedelta(days=1))
        violation = past["is_violation"].fillna(value=False).astype(bool)
        lately = past["decided_at"].ge(today - pd.Timedelta(days=self.dismissed_days - 1))
        return set(past.loc[~decided | violation | lately, "entity_id"])

    def recall(self, scores: pd.DataFrame, history_until: date) -> Recall:
        """Count the scammers that a ranking would put before moderators.

        Args:
            scores: One row per active user and day: ``entity_id``, ``as_of``, ``probability``.
            history_until: Users are barred by what had been queued before this day; two rankings
                of the same days are compared on the same users.

        Returns:
            Over the days, the scammers among the ``capacity`` most probable of those who may be
            queued, and all scammers among these.
        """
        rows = scores[~scores["entity_id"].isin(self.barred(history_until))]
        rows = rows.assign(scams=self.is_scamming(rows["entity_id"], rows["as_of"]))
        luck = hash_share(rows["entity_id"], "ties")
        ranked = rows.assign(luck=luck).sort_values(["probability", "luck"], ascending=False)
        top = ranked.groupby("as_of").head(self.capacity)
        return int(top["scams"].sum()), int(rows["scams"].sum())


def oracle_scores(
    platform: Platform,
    inputs: pd.DataFrame,
    learn_until: date,
    features: list[FeatureSpec],
    options: TrainingOptions,
) -> pd.DataFrame:
    """Score the days after one as a model would that learnt the truth up to it.

    Either half of the users is scored by a model that learnt from the other half, so that nobody
    is merely remembered.

    Args:
        platform: Who is who.
        inputs: One row per active user and day: ``entity_id``, ``as_of``, the features.
        learn_until: Last day that is learnt from.
        features: The features.
        options: As the released model is trained.

    Returns:
        One row per user and later day: ``entity_id``, ``as_of``, ``probability``.
    """
    rows = inputs.assign(
        label=platform.is_scamming(inputs["entity_id"], inputs["as_of"]).astype(int),
        half=hash_share(inputs["entity_id"], "oracle") < 1 / 2,
        weight=1.0,
    ).sort_values(["as_of", "entity_id"], ignore_index=True)
    is_later = pd.to_datetime(rows["as_of"]) > pd.Timestamp(learn_until)
    past, later = rows[~is_later], rows[is_later]
    keys = past["entity_id"] + past["as_of"].astype(str)
    share = HONEST_PER_SCAMMER * past["label"].sum() / max(len(past), 1)
    learnt = past[past["label"].eq(1) | (hash_share(keys, "honest") < share)]
    scored = []
    for half in (True, False):
        fitted = fit(learnt[learnt["half"] != half], features, options)
        theirs = later[later["half"] == half]
        scored.append(
            theirs[["entity_id", "as_of"]].assign(probability=fitted.predict(theirs)[:, 0])
        )
    return pd.concat(scored, ignore_index=True)
