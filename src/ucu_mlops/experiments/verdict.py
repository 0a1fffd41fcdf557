"""What can be said of an experiment's variants: ``win``, ``loss``, and what comes before either.

invalid      entities were not dealt as configured: nothing else may be concluded
guardrail    the variant costs more than allowed, beyond doubt
win, loss    it finds more, or fewer, of the true cases than the control, beyond doubt
undecided    none of these yet
"""

from dataclasses import asdict
from datetime import date, timedelta
from math import log
from typing import Any

import pandas as pd

from ucu_mlops.experiments.arms import Arm, arm_of
from ucu_mlops.experiments.definition import Experiment
from ucu_mlops.experiments.sequential import Interval, difference, unlikely_shares

SAMPLE_RATIO_ALPHA = 0.001
MIN_CONFIRMED = 20  # in both arms together: with fewer an interval of normal theory means little
MIN_ENTITIES = 200  # in either arm, likewise for guardrails
PER = 1_000  # effects are told per so many entities
ORDER = ("invalid", "guardrail", "win", "loss")


def judge_variant(
    arms: pd.DataFrame, experiment: Experiment, variant: str, as_of: date
) -> dict[str, Any]:
    """Judge a variant at the end of each day, as somebody who looked daily would have.

    The figure is confirmed cases per entity. Entities are dealt by lot, so that but for chance the
    arms have equally many true cases: its ratio is that of the arms' recalls.

    Args:
        arms: One row per variant and day of entry (``ucu_mlops.experiments.counting``).
        experiment: The experiment.
        variant: Its variant, not the control.
        as_of: The last day.

    Returns:
        A JSON object: ``verdict`` with its ``reasons`` and the day ``since`` which it holds (null
        where undecided), ``effect`` (difference of confirmed per 1,000 entities with its
        interval, null with too few), ``guardrails`` by name (what was measured and allowed),
        ``arms`` (entities, cases, settled, confirmed), and ``days``, the effect at the end of each.
    """
    begun = next(iter(experiment.ramp))
    span = range((as_of - begun).days + 1)
    looks = [_look(arms, experiment, variant, begun + timedelta(days=each)) for each in span]
    last = looks[-1] if looks else _look(arms, experiment, variant, as_of)
    firsts = {name: next((each for each in looks if name in each["said"]), None) for name in ORDER}
    # Of a win and a loss the one that was said first; on a wrong ratio neither counts.
    final = min(
        (name for name, look in firsts.items() if look is not None),
        key=lambda name: (min(ORDER.index(name), 2), (firsts[name] or last)["day"]),
        default=None,
    )
    chosen = firsts[final] if final else None
    return {
        "experiment": experiment.name,
        "model": experiment.model,
        "variant": variant,
        "version": experiment.variants[variant],
        "as_of": as_of.isoformat(),
        "verdict": final or "undecided",
        "since": chosen["day"] if chosen else None,
        "reasons": [chosen["said"][final]] if chosen and final else [_waiting(last)],
        **{key: last[key] for key in ("effect", "guardrails", "arms")},
        "days": [{"day": each["day"], **(each["effect"] or {})} for each in looks],
    }


def _look(arms: pd.DataFrame, experiment: Experiment, variant: str, day: date) -> dict[str, Any]:
    """Look once, at the end of a day."""
    days = experiment.maturity_days
    everybody = {name: arm_of(arms, name, day, days) for name in experiment.variants}
    ours, theirs = everybody[variant], everybody[experiment.control]
    said: dict[str, str] = {}
    ratio = unlikely_shares([each.entities for each in everybody.values()], experiment.shares)
    if ratio >= log(1 / SAMPLE_RATIO_ALPHA):
        counts = {name: each.entities for name, each in everybody.items()}
        said["invalid"] = f"entities came as {counts}, not in shares of {experiment.shares}"
    guardrails = _guardrails(ours, theirs, experiment)
    breached = [each["words"] for each in guardrails.values() if each["low"] > 0]
    if breached and min(ours.entities, theirs.entities) >= MIN_ENTITIES:
        said["guardrail"] = "; ".join(breached)
    effect = None
    if ours.confirmed.total + theirs.confirmed.total >= MIN_CONFIRMED:
        alpha = experiment.alpha / len(experiment.challengers)
        found = difference(ours.confirmed, theirs.confirmed, alpha)
        effect = {key: round(value * PER, 6) for key, value in asdict(found).items()}
        words = f"{found.value * PER:+.2f} confirmed per {PER:,} entities ({_ends(found)})"
        if found.low > 0:
            said["win"] = words
        if found.high < 0:
            said["loss"] = words
    return {
        "day": day.isoformat(),
        "said": said,
        "effect": effect,
        "guardrails": guardrails,
        "arms": {experiment.control: _told(theirs), variant: _told(ours)},
    }


def _guardrails(ours: Arm, theirs: Arm, experiment: Experiment) -> dict[str, dict[str, Any]]:
    """Measure what a variant costs; ``low`` above 0 is beyond what is allowed, beyond doubt."""
    allowed = experiment.guardrails
    alpha = experiment.alpha / len(experiment.challengers) / 3  # one share for each of the three
    cases = difference(ours.cases, theirs.cases, alpha, allowed.cases_ratio)
    errors = difference(ours.failed, theirs.failed, alpha)
    latency = difference(ours.latency, theirs.latency, alpha)
    return {
        "cases_ratio": {
            "ours": ours.cases.mean,
            "control": theirs.cases.mean,
            "allowed": allowed.cases_ratio,
            "low": _finite(cases.low),
            "words": f"flags {ours.cases.mean * PER:.1f} of {PER:,} entities, the control "
            f"{theirs.cases.mean * PER:.1f}: more than {allowed.cases_ratio:g} times as many",
        },
        "errors": {
            "ours": ours.failed.mean,
            "control": theirs.failed.mean,
            "allowed": allowed.errors,
            "low": _finite(errors.low - allowed.errors),
            "words": f"fails for {ours.failed.mean:.1%} of the entities, the control for "
            f"{theirs.failed.mean:.1%}: more than {allowed.errors:.1%} above it",
        },
        "latency_ms": {
            "ours": ours.latency.mean,
            "control": theirs.latency.mean,
            "allowed": allowed.latency_ms,
            "low": _finite(latency.low - allowed.latency_ms),
            "words": f"takes {ours.latency.mean:.1f} ms, the control {theirs.latency.mean:.1f}: "
            f"more than {allowed.latency_ms:g} ms longer",
        },
    }


def _told(arm: Arm) -> dict[str, int]:
    return {
        "entities": arm.entities,
        "cases": int(arm.cases.total),
        "settled": int(arm.confirmed.n),
        "confirmed": int(arm.confirmed.total),
    }


def _waiting(look: dict[str, Any]) -> str:
    """Say why nothing is decided."""
    if look["effect"] is None:
        confirmed = sum(each["confirmed"] for each in look["arms"].values())
        return f"{confirmed} confirmed cases in both arms, {MIN_CONFIRMED} are needed"
    low, high = (f"{look['effect'][end]:+.2f}" for end in ("low", "high"))
    return f"{low} to {high} more confirmed per {PER:,} entities: no difference beyond doubt"


def _finite(value: float) -> float:
    """Give a number that JSON knows: nothing is known is far below what is allowed."""
    return max(value, -1e9)


def _ends(interval: Interval) -> str:
    return f"{interval.low * PER:+.2f} to {interval.high * PER:+.2f}"
