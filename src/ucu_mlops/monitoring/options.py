"""When what monitoring sees is reason enough to train again, as parameters."""

from dataclasses import dataclass, field

from ucu_mlops.monitoring.breaker import BreakerOptions
from ucu_mlops.monitoring.outcome import OutcomeOptions
from ucu_mlops.quality.checks import (
    COUNT,
    COUNT_OR_NONE,
    SHARE,
    Allowed,
    build_part,
    check_numbers,
    refuse,
)

FILE = "monitoring.yml"  # of conf/*/parameters/


@dataclass(frozen=True)
class DecisionOptions:
    """When drift is reason enough to train again.

    Attributes:
        days: Length of the window that drift must last in, in days.
        drifting_days: On how many of those days a feature must drift.
        min_weight: Share of the importances that the drifting features must have together; a
            feature below it cannot cause a retraining alone.
        after_fault_days: Days for which drift that began with a data fault is taken for its echo.
        after_moderators_days: Days for which a queue that is confirmed less is laid to moderators
            who changed: its usual precision is from before.
        cooldown_days: Days after a training without another one.
        cooldown_growth: How many times the missed violations that the last training knew of must
            be confirmed by now, it and since, for the cool-down to end early.
        max_age_days: Days after its last training day from which a champion is due for another,
            however quiet it is.
        min_verdicts: Verdicts that the last training did not know, below which another one would
            learn nothing.
        breaker: After how many trainings without gain people are called instead.
        outcome: How precision and moderators are watched.
    """

    days: int = 3
    drifting_days: int = 2
    min_weight: float = 0.05
    after_fault_days: int = 28
    after_moderators_days: int = 28
    cooldown_days: int = 7
    cooldown_growth: float = 2.0
    max_age_days: int = 90
    min_verdicts: int = 100
    breaker: BreakerOptions = field(default_factory=BreakerOptions)
    outcome: OutcomeOptions = field(default_factory=OutcomeOptions)

    def __post_init__(self) -> None:
        """Refuse windows that cannot be filled; build the parts from plain mappings."""
        build_part(self, "decision", FILE, "outcome", OutcomeOptions)
        build_part(self, "decision", FILE, "breaker", BreakerOptions)
        check_numbers(
            self,
            "decision",
            FILE,
            days=COUNT,
            drifting_days=COUNT,
            min_weight=SHARE,
            after_fault_days=COUNT_OR_NONE,
            after_moderators_days=COUNT_OR_NONE,
            cooldown_days=COUNT_OR_NONE,
            cooldown_growth=Allowed(least=1),
            max_age_days=COUNT_OR_NONE,
            min_verdicts=COUNT_OR_NONE,
        )
        if self.drifting_days > self.days:
            refuse(
                "decision", "drifting_days", FILE, f"at most days, {self.days}", self.drifting_days
            )
