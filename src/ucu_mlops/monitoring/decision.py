"""What to do about a day: nothing, train again, or mend the data first.

faults today → data_fault; drift that lasts, or moderators who agree less → retrain; else none
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pandas as pd

from ucu_mlops.errors import ConfigurationError, SchemaError
from ucu_mlops.monitoring.drift import DRIFT_COLUMNS
from ucu_mlops.monitoring.outcome import OutcomeOptions, queue_precision
from ucu_mlops.monitoring.sentences import (
    calm_sentence,
    drift_sentence,
    fault_sentence,
    precision_sentence,
    weight_of,
)
from ucu_mlops.quality.hashing import derived_id


@dataclass(frozen=True)
class DecisionOptions:
    """When drift is reason enough to train again.

    Attributes:
        days: Length of the window that drift must last in, in days.
        drifting_days: On how many of those days a feature must drift.
        min_weight: Share of the importances that the drifting features must have together; a
            feature below it cannot cause a retraining alone.
        cooldown_days: Days after a release without another retraining.
        outcome: How the queue's precision is watched.
    """

    days: int = 3
    drifting_days: int = 2
    min_weight: float = 0.05
    cooldown_days: int = 7
    outcome: OutcomeOptions = field(default_factory=OutcomeOptions)

    def __post_init__(self) -> None:
        """Refuse windows that cannot be filled; build ``outcome`` from a plain mapping."""
        if isinstance(self.outcome, dict):  # Kedro hands over what YAML said
            object.__setattr__(self, "outcome", OutcomeOptions(**self.outcome))
        if not 1 <= self.drifting_days <= self.days:
            raise ConfigurationError(
                "decision.drifting_days must be at least 1 and at most days, "
                f"got {self.drifting_days} of {self.days}"
            )
        if not 0 <= self.min_weight <= 1:
            raise ConfigurationError(
                f"decision.min_weight must be between 0 and 1, got {self.min_weight}"
            )
        if self.cooldown_days < 0:
            raise ConfigurationError(
                f"decision.cooldown_days must be 0 or more, got {self.cooldown_days}"
            )


@dataclass(frozen=True)
class Decision:
    """What should be done, and why; doing it is somebody else's business.

    Attributes:
        decision_id: Derived from model and day: deciding again makes the same.
        model: Name of the model.
        as_of: The day.
        action: ``none``, ``retrain`` or ``data_fault`` (release nothing, train on nothing).
        reasons: Sentences for whoever leads the moderators.
        evidence: The figures behind them; a JSON object.
    """

    decision_id: str
    model: str
    as_of: date
    action: str
    reasons: list[str]
    evidence: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Give the decision as a row of ``decisions``, its lists still lists."""
        return dict(vars(self))


def decide(
    drift: pd.DataFrame,
    outcome: pd.DataFrame,
    *,
    model: str,
    as_of: date,
    options: DecisionOptions,
    last_release: date | None = None,
) -> Decision:
    """Weigh the last days' drift and outcome.

    A fault today outweighs all else: drift measured on broken data means nothing. Days before
    the last release were compared with another reference and do not count; nor do later days.

    Args:
        drift: One row per day and feature or score, the columns that
            :func:`ucu_mlops.monitoring.drift.measure_drift` gives; other days may be among them.
        outcome: One row per first-look case, the columns that
            :func:`ucu_mlops.monitoring.outcome.queue_precision` needs.
        model: Name of the model.
        as_of: The day.
        options: When drift is reason enough.
        last_release: Day of the champion's release, if known.

    Returns:
        The decision.

    Raises:
        SchemaError: A column is missing.
    """
    if missing := sorted(set(DRIFT_COLUMNS) - set(drift.columns)):
        raise SchemaError(f"decide needs {missing} in drift; got {list(drift.columns)}")
    known = _known_drift(drift, as_of, last_release)
    faults = _faults(known[known["as_of"].eq(pd.Timestamp(as_of))], as_of)
    drifting = _drifting(known, as_of, options)
    precision = queue_precision(outcome, as_of, options.outcome)
    causes = _causes(drifting, precision, options)
    cooling = last_release is not None and (as_of - last_release).days < options.cooldown_days
    if faults:
        action, reasons = "data_fault", faults
    elif causes and not cooling:
        action, reasons = "retrain", causes
    elif causes and last_release is not None:
        until = last_release + timedelta(days=options.cooldown_days)
        wait = f"Training again waits until {until}: the last training was on {last_release}."
        action, reasons = "none", [wait, *causes]
    else:
        action, reasons = "none", [calm_sentence(drifting, precision, options.min_weight)]
    evidence = {
        "drifting": drifting,
        "queue_precision": precision,
        "last_release": last_release and last_release.isoformat(),
        "faults": faults,
    }
    decision_id = derived_id("monitoring", model, as_of)
    return Decision(decision_id, model, as_of, action, reasons, evidence)


def _known_drift(drift: pd.DataFrame, as_of: date, last_release: date | None) -> pd.DataFrame:
    known = drift.assign(as_of=pd.to_datetime(drift["as_of"]))
    since = pd.Timestamp(last_release) if last_release else pd.Timestamp.min
    return known[known["as_of"].between(since, pd.Timestamp(as_of))]


def _faults(today: pd.DataFrame, as_of: date) -> list[str]:
    if today.empty:
        return [f"Nothing was measured on {as_of}: the day has no drift; monitor it first."]
    broken = today[today["state"].eq("fault")]
    if broken["missing_share"].eq(1.0).sum() == len(today):
        return [f"Nothing arrived on {as_of}: no active users and no scores; check the feeds."]
    return [fault_sentence(row) for row in broken.sort_values("name").to_dict("records")]


def _drifting(known: pd.DataFrame, as_of: date, options: DecisionOptions) -> list[dict[str, Any]]:
    """Describe what drifted on enough of the last days, the weightiest first."""
    first = pd.Timestamp(as_of) - timedelta(days=options.days - 1)
    alarms = known[known["state"].eq("drift")].sort_values("as_of")
    found = []
    for name, rows in alarms.groupby("name", sort=True):
        recent = rows[rows["as_of"].ge(first)]
        if recent["as_of"].nunique() < options.drifting_days:
            continue
        gaps = rows["as_of"].diff().dt.days
        since = rows.loc[~gaps.lt(options.days), "as_of"].max()
        last = recent.iloc[-1]
        found.append(
            {
                "name": str(name),
                "kind": str(last["kind"]),
                "measure": float(last["measure"]),
                "threshold": float(last["threshold"]),
                "weight": float(last["weight"]),
                "days": int(recent["as_of"].nunique()),
                "since": since.date().isoformat(),
            }
        )
    return sorted(found, key=lambda each: (each["kind"] != "score", -each["weight"], each["name"]))


def _causes(
    drifting: list[dict[str, Any]], precision: dict[str, Any], options: DecisionOptions
) -> list[str]:
    """Say what there is to train again for; empty when it is not enough."""
    features = [each for each in drifting if each["kind"] != "score"]
    heavy = features if weight_of(features) >= options.min_weight else []
    scores = [each for each in drifting if each["kind"] == "score"]
    sentences = [drift_sentence(each, options.days) for each in [*scores, *heavy]]
    if precision["state"] == "drift":
        sentences.append(precision_sentence(precision))
    return sentences
