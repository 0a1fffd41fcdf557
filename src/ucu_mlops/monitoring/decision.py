"""What to do about a day: nothing, train again, or mend the data first.

faults today → data_fault; drift that lasts, a queue confirmed less, or reports that find more
→ retrain; else none
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pandas as pd

from ucu_mlops.errors import SchemaError
from ucu_mlops.monitoring.breaker import PastDecision, breaker_of
from ucu_mlops.monitoring.drift import DRIFT_COLUMNS
from ucu_mlops.monitoring.lasting import known_drift, lasting_drift
from ucu_mlops.monitoring.options import DecisionOptions
from ucu_mlops.monitoring.sentences import (
    blamed_sentence,
    breaker_sentence,
    calm_sentence,
    drift_sentence,
    fault_sentence,
    missed_sentence,
    moderator_sentences,
    overruled_sentence,
    precision_sentence,
    weight_of,
)
from ucu_mlops.monitoring.volume import FEED
from ucu_mlops.quality.hashing import derived_id

LEAST_NEW = 10  # missed violations since the last training: as many as the gate asks for


@dataclass(frozen=True)
class Standing:
    """Who is champion, and what was decided before.

    Attributes:
        version: The champion's version; days compared with another's reference do not count.
            None counts every day.
        trained: Day up to which the champion learnt, if known.
        is_rule: Whether the champion is the rule, which never learnt.
        past: Earlier decisions; of ``as_of`` itself and later ones nothing is used.
    """

    version: str | None = None
    trained: date | None = None
    past: tuple[PastDecision, ...] = ()
    is_rule: bool = False

    def last_training(self, as_of: date) -> date | None:
        """Give the day last trained for, with success or not.

        Trained again on the same verdicts, what the gate refused would be the same.
        """
        asked = [each.as_of for each in self.past if each.action == "retrain"]
        days = [day for day in asked if day < as_of]
        return max([*days, self.trained] if self.trained else days, default=None)

    def moderators_changed_within(self, days: int, as_of: date) -> bool:
        """Tell whether moderators were found to have changed on one of the days before."""
        found = [each.as_of for each in self.past if each.moderators_changed]
        return any(0 < (as_of - day).days <= days for day in found)


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
    outcome: Mapping[str, Any],
    *,
    model: str,
    as_of: date,
    options: DecisionOptions,
    standing: Standing,
) -> Decision:
    """Weigh the last days' drift and outcome.

    A fault today outweighs all else: drift measured on broken data means nothing. A team of
    moderators that changed is no reason to train: the verdicts moved, not the world.

    Args:
        drift: One row per day and feature or score, the columns of ``drift``; other days and
            other versions' days may be among them.
        outcome: What :func:`ucu_mlops.monitoring.outcome.outcome_of` gave.
        model: Name of the model.
        as_of: The day.
        options: When drift is reason enough.
        standing: Who is champion, and what was decided before.

    Returns:
        The decision; its evidence holds ``drifting``, ``faults``, ``causes`` (the sentences that
        ask for a training, acted on or not), ``hold`` (why any training waits; empty if none does),
        ``outcome``, ``breaker`` (``open``, ``half-open`` or
        ``closed``), ``retrainings_in_a_row``, ``last_training`` and ``moderators_changed``.

    Raises:
        SchemaError: A column is missing.
    """
    if missing := sorted({*DRIFT_COLUMNS, "version"} - set(drift.columns)):
        raise SchemaError(f"decide needs {missing} in drift; got {list(drift.columns)}")
    known = known_drift(drift, as_of, standing.version)
    faults = _faults(known[known["as_of"].eq(pd.Timestamp(as_of))], as_of)
    drifting = lasting_drift(
        known,
        as_of,
        days=options.days,
        drifting_days=options.drifting_days,
        after_fault_days=options.after_fault_days,
    )
    moved = bool(drifting) or outcome["missed"]["state"] == "drift"
    changed = _moderators_changed(outcome["moderators"], moved=moved)
    blamed = changed or standing.moderators_changed_within(options.after_moderators_days, as_of)
    causes = [
        *_causes(drifting, outcome, options, blamed),
        *_due(as_of, options, standing),
    ]
    knew_little = _knew_little(outcome, options)
    breaker = breaker_of(standing.past, as_of, options.breaker, knows_more=knew_little)
    hold = _hold(outcome, breaker, as_of, options, standing, knew_little=knew_little)
    if faults:
        action, reasons = "data_fault", faults
    elif causes and not hold:
        action, reasons = "retrain", causes
    elif causes:
        action, reasons = "none", [hold, *causes]
    elif outcome["queue_precision"]["state"] == "drift":
        action, reasons = "none", [blamed_sentence(outcome["queue_precision"])]
    elif outcome["missed"]["state"] == "drift":
        action, reasons = "none", [overruled_sentence(outcome["missed"])]
    else:
        calm = calm_sentence(drifting, outcome["queue_precision"], options.min_weight)
        action, reasons = "none", [calm]
    last = standing.last_training(as_of)
    evidence = {
        "drifting": drifting,
        "faults": faults,
        "causes": causes,
        "outcome": dict(outcome),
        "moderators_changed": changed,
        "hold": hold,
        "breaker": breaker["state"],
        "retrainings_in_a_row": breaker["in_a_row"],
        "last_training": last and last.isoformat(),
    }
    reasons = [*reasons, *moderator_sentences(outcome["moderators"], changed=changed)]
    decision_id = derived_id("monitoring", model, as_of)
    return Decision(decision_id, model, as_of, action, reasons, evidence)


def asked_for(row: Mapping[str, Any], sentence: str) -> dict[str, Any]:
    """Turn a day's decision to do nothing into one to train, because somebody else asked.

    Args:
        row: A row of ``decisions``, ``reasons`` and ``evidence`` as JSON.
        sentence: Who asked, and why.

    Returns:
        The row, its evidence with the sentence among ``causes`` and as ``asked``.
    """
    evidence = json.loads(row["evidence"])
    evidence |= {"asked": sentence, "causes": [sentence, *evidence.get("causes", [])]}
    reasons = json.dumps([sentence, *json.loads(row["reasons"])])
    changed = {"action": "retrain", "reasons": reasons, "evidence": json.dumps(evidence)}
    return {**row, **changed}


def _faults(today: pd.DataFrame, as_of: date) -> list[str]:
    if today.empty:
        return [f"Nothing was measured on {as_of}: the day has no drift; monitor it first."]
    broken = today[today["state"].eq("fault")]
    measured = today[today["kind"].ne(FEED)]
    if len(measured) and measured[["missing_share"]].eq(1.0).all(axis=None):
        return [f"Nothing arrived on {as_of}: no active users and no scores; check the feeds."]
    return [fault_sentence(row) for row in broken.sort_values("name").to_dict("records")]


def _moderators_changed(moderators: Mapping[str, Any], *, moved: bool) -> bool:
    """Tell the moderators' drift from the world's.

    Second looks overrule first ones, or some have become unlike the others: it is they. All
    confirm fewer while inputs, scores and reports are quiet: so are they taken to, unless second
    looks vouch for them. That all confirm more is what a better model looks like, too.
    """
    confirming = moderators["confirming"]
    alone = (
        confirming["state"] == "drift"
        and confirming["window"]["confirmed"] < confirming["expected"]
        and not confirming["vouched"]
        and not moved
    )
    return alone or bool(moderators["state"] == "drift")


def _causes(
    drifting: list[dict[str, Any]],
    outcome: Mapping[str, Any],
    options: DecisionOptions,
    blamed: bool,
) -> list[str]:
    """Say what there is to train again for; empty when it is not enough."""
    own = [each for each in drifting if not each["after_fault"]]
    features = [each for each in own if each["kind"] != "score"]
    heavy = features if weight_of(features) >= options.min_weight else []
    scores = [each for each in own if each["kind"] == "score"]
    sentences = [drift_sentence(each, options.days) for each in [*scores, *heavy]]
    if outcome["queue_precision"]["state"] == "drift" and not blamed:
        sentences.append(precision_sentence(outcome["queue_precision"]))
    # A suspicion from what is confirmed is no answer to reports that find more: it is the same.
    overruled = outcome["moderators"]["state"] == "drift"
    if outcome["missed"]["state"] == "drift" and not overruled:
        sentences.append(missed_sentence(outcome["missed"]))
    return sentences


def _due(as_of: date, options: DecisionOptions, standing: Standing) -> list[str]:
    """Say why it is time for another version although nothing moved."""
    if standing.is_rule:
        return ["The champion is the rule: a model may be better by now."]
    if standing.trained is None or (as_of - standing.trained).days < options.max_age_days:
        return []
    return [f"The champion learnt up to {standing.trained}: it is due for another training."]


def _knew_little(outcome: Mapping[str, Any], options: DecisionOptions) -> bool:
    """Tell whether reports go on finding more, and by now far more than the last training knew.

    A training that a new kind asks for as soon as it shows has seen the first few of it. A level
    that stays gives as many again in a week, so that only a rise ends the cool-down early.
    """
    if outcome["missed"]["state"] != "drift":
        return False
    known, new = outcome["missed_growth"]["known"], outcome["missed_growth"]["new"]
    return bool(new >= LEAST_NEW and known + new >= options.cooldown_growth * known)


def _hold(
    outcome: Mapping[str, Any],
    breaker: Mapping[str, Any],
    as_of: date,
    options: DecisionOptions,
    standing: Standing,
    *,
    knew_little: bool,
) -> str:
    """Say why training again waits although there is reason to; empty when it need not."""
    if standing.trained is not None and as_of < standing.trained:
        return f"{as_of} is before {standing.trained}, up to which the champion has learnt."
    if breaker["state"] == "open":
        return breaker_sentence(breaker)
    last = standing.last_training(as_of)
    cooling = last is not None and (as_of - last).days < options.cooldown_days
    if last is not None and cooling and not knew_little:
        until = last + timedelta(days=options.cooldown_days)
        return f"Training again waits until {until}: the last training was on {last}."
    if (news := outcome["new_verdicts"]["decided"]) < options.min_verdicts:
        return (
            f"Training again waits for verdicts: {news} are new since the last training, "
            f"{options.min_verdicts} are needed."
        )
    return ""
