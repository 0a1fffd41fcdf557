"""Whether a challenger may replace the champion: both on the same held-out rows, with conditions.

holdout scores → recall at capacity of either → interval of the gain → conditions → promote | keep
"""

from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from ucu_mlops.errors import ConfigurationError, DataError, DuplicateKeyError, SchemaError
from ucu_mlops.quality.bootstrap import Interval, Rows, paired_bootstrap
from ucu_mlops.quality.metrics import recall_at_capacity

HOLDOUT_COLUMNS = ("entity_id", "as_of", "label", "weight", "champion", "challenger")


@dataclass(frozen=True)
class GateOptions:
    """What a challenger must show.

    Attributes:
        capacity_share: Share of the held-out rows that moderators could check. Decided cases are
            few and mostly from the top of a queue: with their true capacity nearly all would be
            checked and every model be perfect.
        recent_days: Days up to the latest labelled one that are compared: before a shift both
            versions were good, and those days would drown the ones that matter.
        min_positives: Users with a confirmed case that the hold-out must hold.
        margin: How much recall (0..1) the challenger must gain at least; may be negative where a
            fresher model shall pass that is hardly worse; against a rule it is at least 0.
        level: Share of the resamples that the gain's interval holds; its lower end counts.
        max_weight: Largest weight of a row: an explored case stands for many users.
        resamples: How many resamples of users.
        seed: Seed of the resamples.
    """

    capacity_share: float = 0.2
    recent_days: int = 28
    min_positives: int = 20
    margin: float = 0.0
    level: float = 0.9
    max_weight: float = 20.0
    resamples: int = 1_000
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be measured."""
        for name in ("capacity_share", "level"):
            if not 0 < getattr(self, name) < 1:
                raise ConfigurationError(
                    f"gate.{name} must be above 0 and below 1, got {getattr(self, name)}"
                )
        for name in ("recent_days", "min_positives", "max_weight", "resamples"):
            if not getattr(self, name) >= 1:
                raise ConfigurationError(
                    f"gate.{name} must be at least 1, got {getattr(self, name)}"
                )
        if not -1 <= self.margin <= 1:
            raise ConfigurationError(f"gate.margin must be between -1 and 1, got {self.margin}")


@dataclass(frozen=True)
class Condition:
    """One thing that a challenger must fulfil.

    Attributes:
        name: What is asked.
        holds: Whether it is so.
        measured: What came; null where it could not be measured.
        needed: What was asked for.
    """

    name: str
    holds: bool
    measured: float | None
    needed: float


@dataclass(frozen=True)
class GateReport:
    """The gate's answer.

    Attributes:
        action: ``promote`` when every condition holds, else ``keep``.
        conditions: What was asked.
        metrics: What was measured; JSON.
    """

    action: str
    conditions: tuple[Condition, ...]
    metrics: dict[str, Any]

    def also(self, condition: Condition) -> "GateReport":
        """Return the report with one more condition; one that fails keeps the champion."""
        action = self.action if condition.holds else "keep"
        return replace(self, action=action, conditions=(*self.conditions, condition))

    def to_dict(self) -> dict[str, Any]:
        """Give the report as a JSON object."""
        return asdict(self) | {"conditions": [asdict(each) for each in self.conditions]}


def not_older(challenger: str, champion: str) -> Condition:
    """Ask that the challenger was trained on no earlier day than the champion.

    Training for a past day again must not put yesterday's model in today's place.

    Args:
        challenger: Day (ISO) that the challenger was trained for.
        champion: The champion's.
    """
    days = (date.fromisoformat(challenger) - date.fromisoformat(champion)).days
    return Condition("not_older_than_champion", days >= 0, days, 0)


def compare(frame: pd.DataFrame, champion_kind: str, options: GateOptions) -> GateReport:
    """Compare challenger and champion by recall at capacity on held-out rows.

    The challenger passes when the lower end of its gain's interval exceeds the margin and the
    hold-out has enough positive users. One exception: against a ``rule`` with too few positive
    users for an interval to mean anything, at least one positive and a better figure is enough,
    since otherwise a rule that finds little would keep its own replacement out.

    Args:
        frame: One row per labelled, held-out entity and day. Needs ``entity_id``, ``as_of``,
            ``label`` (0 or 1), ``weight`` (1 / propensity, above 0), ``champion`` and
            ``challenger`` (probabilities, 0..1). Rows are decided cases: mostly what the champion
            or its predecessors queued, so the comparison tells who orders a queue better; what
            only the challenger would have found shows in the explored rows alone.
        champion_kind: ``model`` or ``rule``.
        options: What the challenger must show.

    Returns:
        The report; ``promote`` exactly when all conditions hold.

    Raises:
        SchemaError: A column is missing.
        DuplicateKeyError: An entity is null or twice on a day.
        DataError: A label, weight or probability is missing or out of range.
    """
    _check(frame)
    days = pd.to_datetime(frame["as_of"])
    recent = frame[days > days.max() - pd.Timedelta(days=options.recent_days)]
    rows = recent.sort_values(["entity_id", "as_of"], ignore_index=True)
    positives = int(rows.loc[rows["label"].eq(1), "entity_id"].nunique())
    metrics: dict[str, Any] = {
        "rows": len(rows),
        "entities": int(rows["entity_id"].nunique()),
        "positives": positives,
        "explored": int(rows["weight"].gt(1).sum()),
        "explored_positives": int((rows["weight"].gt(1) & rows["label"].eq(1)).sum()),
        "capacity": max(1, round(options.capacity_share * len(rows))),
        "champion_kind": champion_kind,
    }
    gain = None
    if 0 < rows["label"].sum() < len(rows):
        gain, measured = _measure(rows, metrics["capacity"], positives, options)
        metrics |= measured
    conditions = _conditions(positives, gain, champion_kind, options)
    action = "promote" if all(each.holds for each in conditions) else "keep"
    return GateReport(action, conditions, metrics)


def _check(frame: pd.DataFrame) -> None:
    if missing := sorted(set(HOLDOUT_COLUMNS) - set(frame.columns)):
        raise SchemaError(f"the gate needs {missing}; got {list(frame.columns)}")
    keys = frame[["entity_id", "as_of"]]
    if keys.isna().any(axis=None) or keys.duplicated().any():
        raise DuplicateKeyError(
            "the gate's hold-out has a null or repeated entity_id and as_of; keep one row of each"
        )
    if not frame["label"].isin([0, 1]).all():
        raise DataError("the gate's hold-out has labels other than 0 and 1")
    if not (frame["weight"].gt(0) & np.isfinite(frame["weight"].astype("float64"))).all():
        raise DataError("the gate's hold-out has weights that are missing, infinite or not above 0")
    for model in ("champion", "challenger"):
        if wrong := int((~frame[model].astype("float64").between(0, 1)).sum()):
            raise DataError(
                f"the gate's hold-out has {wrong} probabilities of the {model} that are missing "
                "or outside 0..1; score it again"
            )


def _measure(
    rows: pd.DataFrame, capacity: int, positives: int, options: GateOptions
) -> tuple[Interval, dict[str, Any]]:
    labels = rows["label"].to_numpy(dtype=np.float64)
    weights = rows["weight"].clip(upper=options.max_weight).to_numpy(dtype=np.float64)
    scores = {name: rows[name].to_numpy(dtype=np.float64) for name in ("champion", "challenger")}

    def recall(name: str, chosen: Rows) -> float:
        share = capacity / len(rows)
        places = max(1, round(share * chosen.size))
        return recall_at_capacity(labels[chosen], scores[name][chosen], places, weights[chosen])

    everyone = np.arange(len(rows), dtype=np.int64)
    recalls = {name: recall(name, everyone) for name in scores}
    gain = Interval(*[recalls["challenger"] - recalls["champion"]] * 3)
    if positives >= options.min_positives:
        gain = paired_bootstrap(
            lambda chosen: recall("challenger", chosen) - recall("champion", chosen),
            rows["entity_id"].to_numpy(),
            n=options.resamples,
            seed=options.seed,
            level=options.level,
        )
    return gain, {"recall_at_capacity": recalls, "gain": gain._asdict(), "level": options.level}


def _conditions(
    positives: int, gain: Interval | None, champion_kind: str, options: GateOptions
) -> tuple[Condition, ...]:
    excused = champion_kind == "rule" and positives < options.min_positives
    needed = 1 if excused else options.min_positives
    enough = Condition("enough_positives", positives >= needed, positives, needed)
    figure = None if gain is None else (gain.mid if excused else gain.low)
    name = "better_than_rule" if excused else "gain_above_margin"
    # A fresher model may be allowed to be a little worse; worse than a rule it may not be.
    margin = max(options.margin, 0.0) if champion_kind == "rule" else options.margin
    better = figure is not None and figure > margin
    return enough, Condition(name, better, figure, margin)
