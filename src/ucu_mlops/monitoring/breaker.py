"""When to stop asking for a retraining and call people: after several without gain.

closed: asks when there is reason; open: does not; half-open: tries once more, for it has rested
long enough, or far more is known by now than the last training knew
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from ucu_mlops.quality.checks import COUNT, check_numbers

FILE = "monitoring.yml"  # of conf/*/parameters/


@dataclass(frozen=True)
class BreakerOptions:
    """How often training again may fail to help.

    Attributes:
        retrainings: How many in a row may bring no gain: refused by the gate, or released and the
            reason is still there.
        calm_days: Days in a row without a reason that end such a row.
        rest_days: Days after the last of them until it is tried once more.
    """

    retrainings: int = 3
    calm_days: int = 7
    rest_days: int = 28

    def __post_init__(self) -> None:
        """Refuse a breaker that is always open."""
        check_numbers(
            self, "decision.breaker", FILE, retrainings=COUNT, calm_days=COUNT, rest_days=COUNT
        )


@dataclass(frozen=True)
class PastDecision:
    """What was decided on an earlier day.

    Attributes:
        as_of: The day.
        action: ``none``, ``retrain`` or ``data_fault``.
        had_causes: Whether there was reason to train, acted on or not.
        moderators_changed: Whether the moderators, not the world, were taken to have changed.
    """

    as_of: date
    action: str
    had_causes: bool
    moderators_changed: bool = False


def breaker_of(
    past: Iterable[PastDecision], as_of: date, options: BreakerOptions, *, knows_more: bool
) -> dict[str, Any]:
    """Count the retrainings in a row that brought no gain.

    A retraining helped when the reasons are gone for ``calm_days``; days of a data fault tell
    nothing either way. The gate need not be asked: what it refused changes nothing, so the
    reasons stay.

    Args:
        past: Earlier decisions, in any order; those of ``as_of`` or later are ignored.
        as_of: The day.
        options: How often it may fail.
        knows_more: Whether far more is known by now than the last training knew: it is not the
            same training again. Each such try asks for twice as much as the one before.

    Returns:
        A JSON object: ``state`` (``closed``, ``open`` or ``half-open``), ``in_a_row`` and
        ``until`` (ISO date on which it is tried once more; null when closed).
    """
    in_a_row, calm, last = 0, 0, None
    for each in sorted(past, key=lambda decision: decision.as_of):
        if each.as_of >= as_of or each.action == "data_fault":
            continue
        if each.action == "retrain":
            in_a_row, last = in_a_row + 1, each.as_of
        calm = 0 if each.had_causes or each.action == "retrain" else calm + 1
        if calm >= options.calm_days:
            in_a_row = 0
    if in_a_row < options.retrainings or last is None:
        return {"state": "closed", "in_a_row": in_a_row, "until": None}
    until = last + timedelta(days=options.rest_days)
    state = "open" if as_of < until and not knows_more else "half-open"
    return {"state": state, "in_a_row": in_a_row, "until": until.isoformat()}
