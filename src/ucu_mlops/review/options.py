"""How the moderators' day is divided, as parameters."""

from dataclasses import dataclass

import numpy as np

from ucu_mlops.quality.checks import (
    COUNT_OR_NONE,
    NOT_NEGATIVE,
    SHARE,
    check_flag,
    check_numbers,
    refuse,
)

FILE = "review.yml"  # of conf/*/parameters/


@dataclass(frozen=True)
class ReviewOptions:
    """How the moderators' day is divided.

    The shares are of ``capacity``; what reports and second looks do not need goes to the model.

    Attributes:
        capacity: Cases per day that moderators can decide; 0 makes an empty queue.
        exploration_share: Share drawn from whom neither model nor reports chose, one user from
            each of as many strata of their probability.
        uniform_share: Share of exploration that heeds no probability: 1 draws uniformly, 0 hardly
            ever draws those whom the model takes for harmless.
        second_look_share: Share for decided cases that another moderator decides again, blind.
        report_share: Share at most for users reported today whom the model did not choose.
        dismissed_days: Days for which a dismissed user is left alone.
        rise: By how much a dismissed user's probability must exceed what it was to be queued
            earlier than that.
        second_look_days: Days for which an explored confirmation waits for its second look.
        fill_below_threshold: Whether places that nobody above the threshold needs go to the most
            probable below it; otherwise they stay empty.
        seed: Another seed, another draw of exploration, second looks and order among equals.
    """

    capacity: int = 60
    exploration_share: float = 0.15
    uniform_share: float = 0.3
    second_look_share: float = 0.05
    report_share: float = 0.2
    dismissed_days: int = 14
    rise: float = 0.0
    second_look_days: int = 14
    fill_below_threshold: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse negative numbers and shares that together exceed the whole."""
        shares = ("exploration_share", "second_look_share", "report_share")
        check_numbers(
            self,
            "review",
            FILE,
            capacity=COUNT_OR_NONE,
            **dict.fromkeys((*shares, "uniform_share"), SHARE),
            dismissed_days=COUNT_OR_NONE,
            rise=NOT_NEGATIVE,
            second_look_days=COUNT_OR_NONE,
            seed=COUNT_OR_NONE,
        )
        check_flag(self, "review", FILE, "fill_below_threshold")
        given = [getattr(self, name) for name in shares]
        if sum(given) > 1 + 1e-9:
            refuse("review", " + ".join(shares), FILE, "at most 1 together", given)

    def places(self) -> tuple[int, int, int]:
        """Give the places for exploration, second looks and reports.

        Rounding the running total keeps their sum within the capacity.
        """
        shares = (self.exploration_share, self.second_look_share, self.report_share)
        ends = np.floor(np.cumsum((0.0, *shares)) * self.capacity + 0.5).astype(int)
        exploration, second, report = np.diff(np.minimum(ends, self.capacity)).tolist()
        return exploration, second, report
