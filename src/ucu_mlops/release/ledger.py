"""The ledger: every move of a model's champion, in order, and the port that a store fills.

What is champion is the head of the ledger and nothing else; a registry's aliases, a cache and a
page only repeat it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ucu_mlops.errors import ConfigurationError, StaleRevisionError

KINDS = ("cold_start", "promote", "rollback", "override")


@dataclass(frozen=True)
class Move:
    """One change of champion.

    Attributes:
        model: The model whose champion changed.
        revision: 1 for the model's first move, then one more each time.
        from_version: Champion before the move; None before the first.
        to_version: Champion after the move.
        kind: One of ``KINDS``.
        who: The person or pipeline that moved.
        why: In words.
        decision_id: The decision that was acted on, if one was.
        at: When it was moved; with a time zone.
    """

    model: str
    revision: int
    from_version: str | None
    to_version: str
    kind: str
    who: str
    why: str
    decision_id: str | None
    at: datetime

    def __post_init__(self) -> None:
        """Refuse what no ledger could make sense of later."""
        if self.kind not in KINDS:
            raise ConfigurationError(f"kind must be one of {KINDS}, got {self.kind!r}")
        if self.revision < 1:
            raise ConfigurationError(f"revision must be at least 1, got {self.revision}")
        if self.at.tzinfo is None:
            raise ConfigurationError(f"at must have a time zone, got {self.at.isoformat()}")
        for name in ("model", "to_version", "who", "why"):
            if not getattr(self, name).strip():
                raise ConfigurationError(f"{name} must not be empty")


class Ledger(Protocol):
    """Where moves are kept; one process or many may append."""

    def head(self, model: str) -> Move | None:
        """Return the model's last move, None before the first."""
        ...

    def moves(self, model: str) -> list[Move]:
        """Return the model's moves, oldest first."""
        ...

    def append(self, move: Move) -> None:
        """Add ``move`` behind the head it was made for.

        Raises:
            StaleRevisionError: Somebody else moved first; nothing was added.
        """
        ...


def check_follows(head: Move | None, move: Move) -> None:
    """Refuse a move that was made for another head than the ledger has.

    Args:
        head: The model's last move as stored, None before the first.
        move: The move about to be appended.

    Raises:
        StaleRevisionError: ``move`` is not the head's successor.
    """
    revision, version = (head.revision, head.to_version) if head else (0, None)
    if (move.revision, move.from_version) != (revision + 1, version):
        raise StaleRevisionError(
            f"{move.model}: revision {move.revision} moves from version {move.from_version}, but"
            f" the ledger is at revision {revision} with version {version}; read it and decide anew"
        )


def champions(moves: Sequence[Move]) -> list[str]:
    """Tell which versions stand behind one another, the champion last.

    A rollback takes the champion off; any other move puts one on. So rolling back twice goes
    back two versions and not back and forth between the last two.

    Args:
        moves: All moves of one model, oldest first.

    Returns:
        Versions, oldest first; the last is champion, the one before it is where a rollback goes.
    """
    standing: list[str] = []
    for move in moves:
        if move.kind == "rollback" and move.to_version in standing:
            while standing[-1] != move.to_version:
                standing.pop()
        else:
            standing.append(move.to_version)
    return standing
