"""A decision's reasons in words for whoever leads the moderators."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from ucu_mlops.monitoring.volume import FEED

TELLING = 0.1  # shares of unknown words and of numbers out of range that explain a fault


def fault_sentence(row: Mapping[Any, Any]) -> str:
    """Say what is broken.

    Args:
        row: A row of ``drift`` whose state is ``fault``.
    """
    if row["kind"] == FEED:
        return (
            f"{row['name']}: only {row['rows']:,}, {row['missing_share']:.0%} fewer than on the "
            f"lowest quiet day like it, {row['threshold']:,.0f} are needed; check its feed."
        )
    if row["missing_share"] == 1.0:
        return f"{row['name']} is missing for everyone; check its feed."
    told = [f"missing for {row['missing_share']:.0%}"]
    for share, words in (("unseen_share", "unknown words"), ("outside_share", "out of range")):
        if row[share] >= TELLING:
            told.append(f"{words} {row[share]:.0%}")
    if not pd.isna(row["measure"]):
        told.append(f"Jensen-Shannon {row['measure']:.2f} from usual")
    return (
        f"{row['name']} looks broken: {', '.join(told)}, which no quiet day came near; "
        "check its feed."
    )


def drift_sentence(each: Mapping[str, Any], days: int) -> str:
    """Say what moved, by how much, and since when.

    Args:
        each: ``name``, ``kind``, ``measure``, ``threshold``, ``weight``, ``since`` (ISO date) and
            ``days`` (on how many it drifted) of a feature or the score.
        days: Out of how many days.
    """
    what, matters = "The score", ""
    if each["kind"] != "score":
        what, matters = each["name"], f"; it is {each['weight']:.0%} of what matters"
    return (
        f"{what} moved: Jensen-Shannon {each['measure']:.2f}, alarm above {each['threshold']:.2f}, "
        f"on {each['days']} of {days} days, since {each['since']}{matters}."
    )


def precision_sentence(precision: Mapping[str, Any]) -> str:
    """Say that the queue finds less than it used to.

    Args:
        precision: What :func:`ucu_mlops.monitoring.outcome.label_precision` gave.
    """
    of = f" of {precision['label']}" if precision.get("label") else ""
    return (
        f"Moderators confirm fewer of the model's cases{of}: "
        f"{_share(precision['window'])}, in its first days {_share(precision['baseline'])}."
    )


def missed_sentence(missed: Mapping[str, Any]) -> str:
    """Say that reports find more of what the model did not ask for.

    Args:
        missed: What :func:`ucu_mlops.monitoring.missed.missed_reports` gave.
    """
    return (
        "Users report more violations that the model did not ask for: moderators confirm "
        f"{_share(missed['window'])}, before {_share(missed['baseline'])}."
    )


def blamed_sentence(precision: Mapping[str, Any]) -> str:
    """Say that the queue finds less because other moderators' verdicts are its yardstick.

    Args:
        precision: What :func:`ucu_mlops.monitoring.outcome.queue_precision` gave.
    """
    return (
        "That fewer cases are confirmed is no reason to train again: they are compared with "
        f"verdicts from before the moderators changed; now {_share(precision['window'])}, then "
        f"{_share(precision['baseline'])}."
    )


def overruled_sentence(missed: Mapping[str, Any]) -> str:
    """Say that reports find more, but by moderators who agree less with each other than before.

    Args:
        missed: What :func:`ucu_mlops.monitoring.missed.missed_reports` gave.
    """
    return (
        f"Of reported users {_share(missed['window'])} are confirmed, before "
        f"{_share(missed['baseline'])}: no reason to train again, while moderators decide "
        "differently."
    )


def calm_sentence(
    drifting: Sequence[Mapping[str, Any]], precision: Mapping[str, Any], min_weight: float
) -> str:
    """Say why nothing needs to be done.

    Args:
        drifting: What lasted but does not matter enough, as for :func:`drift_sentence`.
        precision: What :func:`ucu_mlops.monitoring.outcome.queue_precision` gave.
        min_weight: Share of the importances that would be enough.
    """
    if drifting and all(each["after_fault"] for each in drifting):
        names = ", ".join(each["name"] for each in drifting)
        return f"Only what a data fault left in the features' windows moved ({names})."
    if drifting:
        names = ", ".join(each["name"] for each in drifting)
        return (
            f"Only features that hardly matter moved ({names}: {weight_of(drifting):.1%} of what "
            f"matters, {min_weight:.0%} would be enough)."
        )
    if precision["state"] == "quiet":
        return f"All quiet; moderators confirm {_share(precision['window'])} of the model's cases."
    return "All quiet; too few decided cases to test the queue's precision."


def breaker_sentence(breaker: Mapping[str, Any]) -> str:
    """Call people: training again has not helped.

    Args:
        breaker: What :func:`ucu_mlops.monitoring.breaker.breaker_of` gave.
    """
    return (
        f"{breaker['in_a_row']} trainings in a row brought no gain: somebody should look; it is "
        f"tried once more on {breaker['until']}."
    )


def moderator_sentences(moderators: Mapping[str, Any], *, changed: bool) -> list[str]:
    """Say how the moderators changed; empty when they did not.

    Args:
        moderators: What :func:`ucu_mlops.monitoring.moderators.moderators_of` gave.
        changed: Whether they, and not the world, are taken to have changed.
    """
    told = []
    agreement, confirming = moderators["agreement"], moderators["confirming"]
    if agreement["state"] == "drift":
        now, before = agreement["window"], agreement["baseline"]
        told.append(
            f"they agree on {now['agreement']:.0%} of {now['second_looks']} second looks, "
            f"before on {before['agreement']:.0%} of {before['second_looks']}"
        )
    if moderators["unlike_others"]:
        told.append(f"unlike the others {', '.join(moderators['unlike_others'])}")
    if changed and confirming["state"] == "drift":
        told.append(
            f"{confirming['window']['confirmed']} cases confirmed, where equal scores used to give "
            f"{confirming['expected']:.0f}"
        )
    sentences = []
    if changed:
        sentences.append(
            "Moderators decide differently, which alone is no reason to train again: "
            f"{'; '.join(told)}."
        )
    speed = moderators["speed"]
    if speed["state"] == "drift":
        sentences.append(
            f"Verdicts take {speed['window']:.1f} days at the median, before "
            f"{speed['baseline']:.1f}."
        )
    return sentences


def weight_of(features: Sequence[Mapping[str, Any]]) -> float:
    """Add up the features' shares of the importances."""
    return float(sum(each["weight"] for each in features))


def _share(side: Mapping[str, Any]) -> str:
    return f"{side['precision']:.0%} of {side['decided']}"
