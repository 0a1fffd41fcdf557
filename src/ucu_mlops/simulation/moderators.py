"""Simulated moderators: they decide open cases within their capacity, and err now and then."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ucu_mlops.errors import ConfigurationError, DataError
from ucu_mlops.quality.hashing import derived_id, hash_share
from ucu_mlops.simulation.options import check_range

VERDICT_TYPES = {
    "verdict_id": "str",
    "case_id": "str",
    "moderator_id": "str",
    "is_violation": "bool",
    "decided_at": "datetime64[us, UTC]",
}

_OPENS_H, _SHIFT_H = 8, 10  # hours after midnight UTC at which work begins, and how long it lasts


@dataclass(frozen=True)
class ModeratorOptions:
    """How the moderators work.

    Attributes:
        capacity: Decisions a day of all together.
        min_delay_days: Days after the case's ``as_of`` on which it is decided at the earliest.
        max_delay_days: Days after which it would be decided if there were capacity.
        error_rate: Share of wrong decisions, either way.
        moderators: How many there are; two at least, for a second look needs another one.

    Raises:
        ConfigurationError: A number out of range, or delays in the wrong order.
    """

    capacity: int = 60
    min_delay_days: int = 1
    max_delay_days: int = 3
    error_rate: float = 0.005
    moderators: int = 4

    def __post_init__(self) -> None:
        check_range("moderators.capacity", self.capacity, 0, 1_000_000)
        check_range("moderators.min_delay_days", self.min_delay_days, 1, 365)
        check_range("moderators.error_rate", self.error_rate, 0, 1)
        check_range("moderators.moderators", self.moderators, 2, 10_000)
        if self.max_delay_days < self.min_delay_days:
            raise ConfigurationError(
                f"moderators.max_delay_days must be at least min_delay_days="
                f"{self.min_delay_days}, got {self.max_delay_days}"
            )


def decide(
    cases: pd.DataFrame,
    verdicts: pd.DataFrame,
    truth: pd.DataFrame,
    day: date,
    options: ModeratorOptions,
) -> pd.DataFrame:
    """Decide the cases whose turn has come, oldest first, as far as the capacity goes.

    Who decides, after how long and whether wrongly hangs on the case's id alone. A second look
    waits for its first look's verdict and goes to another moderator. Verdicts of the day or later
    are ignored, so that a day can be played again.

    Args:
        cases: One row per case. Needs ``case_id``, ``entity_id``, ``as_of`` (date), ``rank`` and
            ``first_case_id`` (null for first looks).
        verdicts: One row per decision so far. Needs ``case_id``, ``moderator_id`` and
            ``decided_at`` (timestamp, UTC).
        truth: As :meth:`ucu_mlops.simulation.platform.Platform.truth` gives it.
        day: The day of deciding (UTC).
        options: How the moderators work.

    Returns:
        One row per decision of the day, columns and types of ``verdicts``; none is a valid answer.

    Raises:
        DataError: A case is about somebody the truth does not know.
    """
    return decide_by(partial(_is_violation, truth=truth), cases, verdicts, day, options)


def decide_by(
    violates: Callable[[pd.DataFrame], NDArray[np.bool_]],
    cases: pd.DataFrame,
    verdicts: pd.DataFrame,
    day: date,
    options: ModeratorOptions,
) -> pd.DataFrame:
    """Decide as :func:`decide` does, whatever the cases are about.

    Args:
        violates: Tells of cases, given by their rows, what is true of each, shape ``(n,)``.
        cases: As there.
        verdicts: As there.
        day: The day of deciding (UTC).
        options: How the moderators work.

    Returns:
        One row per decision of the day, columns and types of ``verdicts``.
    """
    midnight = pd.Timestamp(day, tz="UTC")
    earlier = verdicts[pd.to_datetime(verdicts["decided_at"], utc=True) < midnight]
    due = _due(cases, earlier, day, options)
    shares = hash_share(due["case_id"], "moderator")
    is_wrong = hash_share(due["case_id"], "error") < options.error_rate
    hours = _OPENS_H + _SHIFT_H * hash_share(due["case_id"], "hour")
    moderators = _moderators(due["first_moderator"].to_numpy(dtype=float), shares, options)
    names = [f"moderator-{number + 1}" for number in moderators]
    made = pd.DataFrame(
        {
            "verdict_id": [
                derived_id("verdict", *pair) for pair in zip(due["case_id"], names, strict=True)
            ],
            "case_id": due["case_id"].to_numpy(),
            "moderator_id": names,
            "is_violation": violates(due) ^ is_wrong,
            "decided_at": midnight + pd.to_timedelta((hours * 3_600e6).astype(np.int64), unit="us"),
        }
    )
    return made.astype(VERDICT_TYPES)


def decided_elsewhere(verdicts: pd.DataFrame, own: pd.DataFrame, day: date) -> pd.DataFrame:
    """Keep what moderators of other models decided on a day: a day's verdicts are one partition.

    Args:
        verdicts: One row per decision so far, columns of ``verdicts``.
        own: This model's cases: ``case_id``.
        day: The day (UTC).
    """
    days = pd.to_datetime(verdicts["decided_at"], utc=True).dt.date
    others = verdicts[(days == day) & ~verdicts["case_id"].isin(own["case_id"])]
    return others[list(VERDICT_TYPES)].astype(VERDICT_TYPES)


def _due(
    cases: pd.DataFrame, earlier: pd.DataFrame, day: date, options: ModeratorOptions
) -> pd.DataFrame:
    is_open = ~cases["case_id"].isin(earlier["case_id"])
    waiting = cases[is_open].assign(as_of=lambda rows: pd.to_datetime(rows["as_of"]))
    span = options.max_delay_days - options.min_delay_days + 1
    delays = options.min_delay_days + np.floor(span * hash_share(waiting["case_id"], "delay"))
    is_due = waiting["as_of"] + pd.to_timedelta(delays, unit="D") <= pd.Timestamp(day)
    first_looks = earlier.drop_duplicates("case_id", keep="last").set_index("case_id")
    numbers = first_looks["moderator_id"].str.removeprefix("moderator-").astype(float) - 1
    waiting = waiting.assign(first_moderator=waiting["first_case_id"].map(numbers))
    is_due &= waiting["first_case_id"].isna() | waiting["first_moderator"].notna()
    due = waiting[is_due].sort_values(["as_of", "rank", "case_id"])
    return due.head(options.capacity)


def _moderators(
    first: NDArray[np.float64], shares: NDArray[np.float64], options: ModeratorOptions
) -> NDArray[np.int64]:
    """Choose among all for a first look, among the others for a second."""
    is_second = ~np.isnan(first)
    drawn = np.floor(shares * (options.moderators - is_second)).astype(np.int64)
    skipped = is_second & (drawn >= np.nan_to_num(first))
    numbers: NDArray[np.int64] = drawn + skipped.astype(np.int64)
    return numbers


def _is_violation(due: pd.DataFrame, truth: pd.DataFrame) -> NDArray[np.bool_]:
    known = truth[truth["user_id"].isin(due["entity_id"])].set_index("user_id")
    if unknown := sorted(set(due["entity_id"]) - set(known.index)):
        raise DataError(
            f"cases are about {len(unknown)} users unknown to the simulation, such as "
            f"{unknown[0]!r}; hand over only cases of the simulated platform"
        )
    people = known.loc[due["entity_id"]]
    seen_by = due["as_of"].dt.tz_localize("UTC").to_numpy()
    scams: NDArray[np.bool_] = people["is_scammer"].to_numpy(dtype=bool) & (
        people["active_from"].to_numpy() <= seen_by
    )
    return scams
