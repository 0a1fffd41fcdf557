"""What may be done to a champion: start, promote, roll back, override; each is one move."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ucu_mlops.errors import ConfigurationError, ReleaseError
from ucu_mlops.release.ledger import Ledger, Move, champions

logger = logging.getLogger(__name__)

ACTIONS = ("promote", "keep")


@dataclass(frozen=True)
class Proposal:
    """What the gate proposes about one version.

    Attributes:
        model: The model.
        version: The version that was compared with the champion.
        action: ``promote`` or ``keep`` (the champion stays).
        why: In words.
        decision_id: The decision behind the proposal, if there is one.
    """

    model: str
    version: str
    action: str
    why: str
    decision_id: str | None = None

    def __post_init__(self) -> None:
        """Refuse an action that nobody would act on."""
        if self.action not in ACTIONS:
            raise ConfigurationError(f"action must be one of {ACTIONS}, got {self.action!r}")


def propose(gate: dict[str, Any]) -> Proposal:
    """Word the gate's verdict as a move of the ledger, or as none."""
    failed = [each["name"] for each in gate["conditions"] if not each["holds"]]
    segments = gate["metrics"]["segments"].values()
    unmeasured = sum(each["gain"] is None for each in segments)
    why = (
        f"gate of {gate['as_of']}: "
        + (f"failed {', '.join(failed)}" if failed else "every condition holds")
        + (f"; {unmeasured} of {len(segments)} segments not measured" if unmeasured else "")
    )
    logger.info(
        "%s: version %s against champion %s: %s (%s)",
        *(gate["model"], gate["challenger"], gate["champion"], gate["action"], why),
    )
    return Proposal(
        model=gate["model"],
        version=gate["challenger"],
        action=gate["action"],
        why=why,
        decision_id=gate["decision_id"],
    )


def cold_start(
    ledger: Ledger, model: str, version: str, *, who: str, why: str, at: datetime
) -> Move:
    """Make ``version`` the model's first champion; a model that has one keeps it.

    Args:
        ledger: Where the moves are kept.
        model: The model.
        version: The version to begin with.
        who: The person or pipeline that starts.
        why: In words.
        at: When; with a time zone.

    Returns:
        The move that was made, or the head that was there.
    """
    head = ledger.head(model)
    return head or _append(ledger, Move(model, 1, None, version, "cold_start", who, why, None, at))


def promote(ledger: Ledger, proposal: Proposal, who: str, at: datetime) -> Move:
    """Make the proposed version champion; promoting again, or on the same decision, does nothing.

    Args:
        ledger: Where the moves are kept.
        proposal: A proposal whose action is ``promote``.
        who: The person or pipeline that promotes.
        at: When; with a time zone.

    Returns:
        The move that was made, or the head if it stands for the version already, or if the
        decision was acted on before (and perhaps rolled back since).

    Raises:
        ReleaseError: The proposal is to keep the champion, or the version was rolled back before:
            only a person may reinstate it.
        StaleRevisionError: Somebody else moved at the same moment.
    """
    model, version = proposal.model, proposal.version
    if proposal.action != "promote":
        raise ReleaseError(
            f"{model}: the gate proposes to {proposal.action} the champion, not to promote version"
            f" {version}: {proposal.why}"
        )
    moves, decided = ledger.moves(model), proposal.decision_id
    head = moves[-1] if moves else None
    acted_on = {move.decision_id for move in moves} - {None}
    if head is not None and (head.to_version == version or decided in acted_on):
        return head
    for move in moves:
        if move.kind == "rollback" and move.from_version == version:
            raise ReleaseError(
                f"{model}: version {version} was rolled back at revision {move.revision}"
                f" ({move.why}); a person may reinstate it:"
                f" kedro release promote {model} {version} --why …"
            )
    before, revision = (head.to_version, head.revision + 1) if head else (None, 1)
    return _append(
        ledger,
        Move(model, revision, before, version, "promote", who, proposal.why, decided, at),
    )


def override(ledger: Ledger, model: str, version: str, who: str, why: str, at: datetime) -> Move:
    """Make any version champion because a person says so; repeating it changes nothing.

    Args:
        ledger: Where the moves are kept.
        model: The model.
        version: The version that becomes champion.
        who: The person.
        why: In words.
        at: When; with a time zone.

    Returns:
        The move that was made, or the head if it already stands for the version.

    Raises:
        StaleRevisionError: Somebody else moved at the same moment.
    """
    head = ledger.head(model)
    if head is not None and head.to_version == version:
        return head
    before, revision = (head.to_version, head.revision + 1) if head else (None, 1)
    return _append(ledger, Move(model, revision, before, version, "override", who, why, None, at))


def rollback(
    ledger: Ledger,
    model: str,
    who: str,
    why: str,
    at: datetime,
    loads: Callable[[str], object] | None = None,
) -> Move:
    """Make the version before the champion champion again.

    Rolling back again goes back one more version; it never returns to the one just taken off.

    Args:
        ledger: Where the moves are kept.
        model: The model.
        who: The person or pipeline that rolls back.
        why: In words.
        at: When; with a time zone.
        loads: Called with the version before anything moves; raises if it cannot be loaded.

    Returns:
        The move that was made.

    Raises:
        ReleaseError: There is no version before the champion.
        StaleRevisionError: Somebody else moved at the same moment.
    """
    moves = ledger.moves(model)
    standing = champions(moves)
    if len(standing) < 2:  # noqa: PLR2004 (the champion and the one before it)
        there = f"version {standing[0]} is the first" if standing else "it has no champion yet"
        raise ReleaseError(f"{model}: there is no version to roll back to; {there}")
    head, version = moves[-1], standing[-2]
    if loads is not None:
        loads(version)
    revision, before = head.revision + 1, head.to_version
    return _append(ledger, Move(model, revision, before, version, "rollback", who, why, None, at))


def _append(ledger: Ledger, move: Move) -> Move:
    """Append, and say when the clock has gone back: what counts is the revision."""
    head = ledger.head(move.model)
    ledger.append(move)
    if head is not None and move.at < head.at:
        logger.warning(
            "%s: revision %s is dated %s, before revision %s of %s: the clock went back; "
            "moves stay in the order of their revisions",
            *(move.model, move.revision, move.at.isoformat(), head.revision, head.at.isoformat()),
        )
    return move
