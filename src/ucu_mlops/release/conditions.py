"""What a challenger must fulfil, one condition each, and the report that names the failed ones."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any


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

    def also(self, *conditions: Condition) -> "GateReport":
        """Return the report with more conditions; one that fails keeps the champion."""
        holds = all(each.holds for each in conditions)
        return replace(
            self,
            action=self.action if holds else "keep",
            conditions=(*self.conditions, *conditions),
        )

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


def no_data_fault(action: str | None) -> Condition:
    """Ask that the day is none of broken data: what was measured on it means nothing.

    Args:
        action: What monitoring decided about the day; None where it decided nothing yet.
    """
    faults = int(action == "data_fault")
    return Condition("no_data_fault", not faults, faults, 0)


def quick_enough(seconds: Mapping[str, float], ratio: float, negligible: float) -> Condition:
    """Ask that the challenger scores a batch in about the champion's time.

    Args:
        seconds: Processor seconds of ``champion`` and ``challenger`` for the same rows.
        ratio: How many times the champion's time it may take.
        negligible: Seconds that are always good enough: a rule takes next to none.
    """
    needed = max(ratio * seconds["champion"], negligible)
    measured = seconds["challenger"]
    return Condition("latency_holds", measured <= needed, measured, needed)


def needs_no_proof(kind: str, trained: str, today: date, action: str | None, max_age: int) -> bool:
    """Tell whether a champion is so poor that its successor need only be no worse.

    That is a model that monitoring asked to train again, or that is too old. Never a rule: what
    is hardly worse than that would be no gain.

    Args:
        kind: ``model`` or ``rule``.
        trained: Day (ISO) that the champion was trained for.
        today: The day of the comparison.
        action: What monitoring decided about the day; None where it decided nothing yet.
        max_age: Age, in days, from which on a champion is too old.
    """
    age = (today - date.fromisoformat(trained)).days
    return kind == "model" and (action == "retrain" or age >= max_age)
