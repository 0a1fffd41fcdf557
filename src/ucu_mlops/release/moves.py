"""What may be done to a champion: start, promote, roll back; each is one move in the ledger."""

from dataclasses import dataclass
from datetime import datetime

from ucu_mlops.errors import ConfigurationError, ReleaseError
from ucu_mlops.release.ledger import Ledger, Move, champions

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
    if head is not None:
        return head
    move = Move(model, 1, None, version, "cold_start", who, why, None, at)
    ledger.append(move)
    return move


def promote(ledger: Ledger, proposal: Proposal, who: str, at: datetime) -> Move:
    """Make the proposed version champion; promoting the champion again changes nothing.

    Args:
        ledger: Where the moves are kept.
        proposal: A proposal whose action is ``promote``.
        who: The person or pipeline that promotes.
        at: When; with a time zone.

    Returns:
        The move that was made, or the head if it already stands for the version.

    Raises:
        ReleaseError: The proposal is to keep the champion.
        StaleRevisionError: Somebody else moved at the same moment.
    """
    if proposal.action != "promote":
        raise ReleaseError(
            f"{proposal.model}: the gate proposes to {proposal.action} the champion, not to promote"
            f" version {proposal.version}: {proposal.why}"
        )
    head = ledger.head(proposal.model)
    if head is not None and head.to_version == proposal.version:
        return head
    move = Move(
        model=proposal.model,
        revision=head.revision + 1 if head else 1,
        from_version=head.to_version if head else None,
        to_version=proposal.version,
        kind="promote",
        who=who,
        why=proposal.why,
        decision_id=proposal.decision_id,
        at=at,
    )
    ledger.append(move)
    return move


def rollback(ledger: Ledger, model: str, who: str, why: str, at: datetime) -> Move:
    """Make the version before the champion champion again.

    Args:
        ledger: Where the moves are kept.
        model: The model.
        who: The person or pipeline that rolls back.
        why: In words.
        at: When; with a time zone.

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
    head = moves[-1]
    move = Move(
        model, head.revision + 1, head.to_version, standing[-2], "rollback", who, why, None, at
    )
    ledger.append(move)
    return move
