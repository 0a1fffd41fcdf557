"""Unpack tables and parameters for the rooms that label, train and set the review policy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ibis
import pandas as pd

from ucu_mlops.bundle.specs import feature_specs
from ucu_mlops.bundle.store import Bundle, Draft
from ucu_mlops.features.declarations import parse_declarations
from ucu_mlops.features.joins import point_in_time
from ucu_mlops.features.period import Period
from ucu_mlops.quality.checks import COUNT, INNER_SHARE, Allowed, check_numbers, check_words
from ucu_mlops.quality.hashing import derived_id
from ucu_mlops.review.holdout import HoldoutOptions, is_holdout
from ucu_mlops.review.verdicts import counted_verdicts, labels_from
from ucu_mlops.scam.estimator import TrainingOptions
from ucu_mlops.scam.training import train

IDENTIFYING = ("entity_id", "as_of", "label", "decided_at", "split")


@dataclass(frozen=True)
class TrainingSetOptions:
    """Which rows and columns a model learns from.

    Attributes:
        features: Names of declared features, from any groups.
        days: How far back a labelled day may lie, in days; at least 1.
        holdout_share: Share of entities that no version is ever trained on.
        holdout_salt: Salt of the hash that picks them; changing it voids every comparison.
        max_weight: Largest weight of a row in training, at least 1; 1 trains unweighted. In
            evaluation a row always keeps its whole weight, and the calibration for all entities
            heeds whole propensities.
    """

    features: Sequence[str]
    days: int
    holdout_share: float
    holdout_salt: str
    max_weight: float

    def __post_init__(self) -> None:
        check_numbers(
            self,
            "training_set",
            "training.yml",
            days=COUNT,
            holdout_share=INNER_SHARE,
            max_weight=Allowed(least=1),
        )
        check_words(self, "training_set", "training.yml", "features")

    @property
    def holdout(self) -> HoldoutOptions:
        """Return the rule that sets entities aside."""
        return HoldoutOptions(share=self.holdout_share, salt=self.holdout_salt)


def label_cases(cases: ibis.Table, verdicts: ibis.Table, period: Period) -> ibis.Table:
    """Turn what moderators decided by the end of the run's day into labels of ``scam``.

    Args:
        cases: One row per case.
        verdicts: One row per decision.
        period: Its last day is the day by whose end a verdict must be known.

    Returns:
        One row per entity and day: ``model``, ``entity_id``, ``as_of``, ``label``, ``weight``,
        ``propensity``, ``cohort``, ``decided_at``.
    """
    own = cases.filter(cases["model"] == "scam")
    labels = labels_from(counted_verdicts(own, verdicts, period.as_of))
    return labels.mutate(model=ibis.literal("scam"))


def build_training_set(
    labels: ibis.Table,
    source_tables: Mapping[str, ibis.Table],
    features: dict[str, Any],
    incumbent: Bundle,
    rule: Bundle,
    options: TrainingSetOptions,
    period: Period,
) -> pd.DataFrame:
    """Join each label with its features as they were known at the end of the labelled day.

    The champion's and the rule's features are among them, whatever the challenger is to learn
    from: all three will be compared on these rows.

    Returns:
        One row per labelled entity and day: the label's columns, the features, ``split``
        (``train`` or ``holdout``), ``training_id`` (of who is labelled how, by which verdict, and
        how each feature is defined) and ``trained_as_of`` (date).
    """
    window = period.last(options.days)
    recent = labels.filter(labels["as_of"].between(window.start, window.end))
    spine = ibis.memtable(recent.drop("model").to_pyarrow())
    theirs = [spec.name for each in (incumbent, rule) for spec in each.manifest.features]
    names = list(dict.fromkeys([*options.features, *theirs]))
    declared = parse_declarations(features)
    rows = point_in_time(names, declared, source_tables, spine)
    frame: pd.DataFrame = rows.execute().sort_values(["entity_id", "as_of"], ignore_index=True)
    held_out = is_holdout(frame["entity_id"], options.holdout)
    frame["split"] = pd.Series(held_out).map({True: "holdout", False: "train"})
    # Features follow from the sources; a warehouse that sums in parallel differs in last digits.
    content = pd.util.hash_pandas_object(frame[list(IDENTIFYING)], index=False).to_numpy()
    definitions = [spec.definition for spec in feature_specs(declared, names)]
    parts = (period.as_of.isoformat(), content.tobytes().hex(), *definitions)
    return frame.assign(training_id=derived_id("scam", *parts), trained_as_of=period.as_of)


def train_candidate(
    training_set: ibis.Table,
    features: dict[str, Any],
    training_set_options: TrainingSetOptions,
    options: TrainingOptions,
    period: Period,
) -> Draft:
    """Fit on the rows of this run's training set that are not held out.

    Returns:
        The candidate: a model without review policy or reference yet.
    """
    own = training_set.filter(
        training_set["trained_as_of"] == period.as_of, training_set["split"] == "train"
    )
    frame = own.order_by("entity_id", "as_of").execute()
    frame["weight"] = frame["weight"].clip(upper=training_set_options.max_weight)
    identity = {
        "training_id": str(frame["training_id"].iloc[0]) if len(frame) else "",
        "rows": len(frame),
        "positives": int(frame["label"].sum()),
        "first_day": f"{frame['as_of'].min():%Y-%m-%d}" if len(frame) else "",
        "last_day": f"{frame['as_of'].max():%Y-%m-%d}" if len(frame) else "",
    }
    specs = feature_specs(parse_declarations(features), training_set_options.features)
    return train(frame, specs, options, as_of=period.as_of, training=identity)
