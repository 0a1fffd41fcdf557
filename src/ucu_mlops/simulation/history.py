"""The company's past before the framework came, and each day after it, played step by step.

events of the day, verdicts of the day → who departs → queue of the old process → next day
"""

import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
from tqdm import tqdm

from ucu_mlops.review.options import ReviewOptions
from ucu_mlops.review.queue import CASE_COLUMNS, build_queue
from ucu_mlops.review.verdicts import counted_verdicts
from ucu_mlops.simulation.moderators import VERDICT_TYPES, ModeratorOptions, decide
from ucu_mlops.simulation.options import check_range, parse_day
from ucu_mlops.simulation.platform import Platform

ONE_REPORT = 0.5

_CASES = pa.schema(
    dict.fromkeys(CASE_COLUMNS, pa.string())
    | {"as_of": pa.date32(), "rank": pa.int64()}
    | {"propensity": pa.float64(), "probability": pa.float64()}
)
_VERDICTS = pa.schema(
    dict.fromkeys(VERDICT_TYPES, pa.string())
    | {"is_violation": pa.bool_(), "decided_at": pa.timestamp("us", tz="UTC")}
)


@dataclass(frozen=True)
class HistoryOptions:
    """How long the past is and how the old process filled the queue.

    Attributes:
        end: Last day of the past; Kedro hands over an ISO string. It begins with the platform.
        model: Name of the model whose cases these are.
        label: Name of its label.
        version: What the cases of the old process name as their version.
        active_days: Users with a session within so many days may be queued.
        report_days: Reports that became known within so many days count.

    Raises:
        ConfigurationError: ``end`` is no day, or a number is below 1.
    """

    end: date
    model: str = "scam"
    label: str = "scam"
    version: str = "old process"
    active_days: int = 7
    report_days: int = 7

    def __post_init__(self) -> None:
        object.__setattr__(self, "end", parse_day("end", self.end))
        check_range("history.active_days", self.active_days, 1, 365)
        check_range("history.report_days", self.report_days, 1, 365)


def play_history(
    platform: Platform,
    moderators: ModeratorOptions,
    review: ReviewOptions,
    options: HistoryOptions,
) -> Iterator[dict[str, pd.DataFrame]]:
    """Play the platform with its old process: whoever is reported most is looked at.

    A user's probability is 1 - 2^-reports, so that one report reaches the threshold; users
    without one come up by exploration only. The last day has events and verdicts but no queue:
    filling it is the framework's first act.

    Args:
        platform: The platform, played from its first day.
        moderators: How the moderators work.
        review: How the queue is divided; places nobody needs stay empty.
        options: How long, and what counts.

    Returns:
        Day after day, drawn when asked for, what became known on it: the source tables' rows as
        :meth:`Platform.day` gives them, ``cases`` (queued at its end; on the last day none) and
        ``verdicts``. Only what the old process needs is remembered.

    Raises:
        ConfigurationError: ``end`` is before the platform's start or beyond its horizon.
    """
    platform.check_playable(options.end)
    review = replace(review, fill_below_threshold=False)
    return _played_days(platform, moderators, review, options)


def _played_days(
    platform: Platform,
    moderators: ModeratorOptions,
    review: ReviewOptions,
    options: HistoryOptions,
) -> Iterator[dict[str, pd.DataFrame]]:
    recent = _Recent(options)
    cases, verdicts = _no_cases(), _no_verdicts()
    departed: list[str] = []
    start = platform.options.start
    days = [start + timedelta(days=n) for n in range((options.end - start).days + 1)]
    truth = platform.truth()
    for day in tqdm(days, desc="platform", unit="day", file=sys.stderr, disable=None):
        batch = platform.day(day, departed)
        decided, queue = decide(cases, verdicts, truth, day, moderators), _no_cases()
        verdicts = _appended(verdicts, decided)
        counted = _counted(cases, verdicts, day)
        departed = _confirmed(counted)
        if day < options.end:
            candidates = recent.candidates(batch, day)
            queue = _queue(candidates, counted, day, review, options)
            cases = _appended(cases, queue)
        yield {**batch, "cases": queue, "verdicts": decided}


def play_day(
    platform: Platform,
    moderators: ModeratorOptions,
    cases: pd.DataFrame,
    verdicts: pd.DataFrame,
    day: date,
) -> dict[str, pd.DataFrame]:
    """Play one more day, after whatever filled the queue on the days before.

    Args:
        platform: The platform.
        moderators: How the moderators work.
        cases: One row per case so far, columns of ``cases``; those of the day are not yet known.
        verdicts: One row per decision so far, columns of ``verdicts``; those of the day or later
            are ignored, so that a day can be played again.
        day: The day to play (UTC).

    Returns:
        What becomes known on the day: the source tables' new rows and the new ``verdicts``.
    """
    departed = _confirmed(_counted(cases, verdicts, day - timedelta(days=1)))
    batch = platform.day(day, departed)
    return {**batch, "verdicts": decide(cases, verdicts, platform.truth(), day, moderators)}


class _Recent:
    """Who was active and who was reported of late, as known so far."""

    def __init__(self, options: HistoryOptions) -> None:
        self.active_days = options.active_days
        self.sessions: deque[pd.DataFrame] = deque(maxlen=options.active_days)
        self.reports: deque[pd.DataFrame] = deque(maxlen=options.report_days)

    def candidates(self, batch: dict[str, pd.DataFrame], day: date) -> pd.DataFrame:
        """Take in a day's batch and return the rule's candidates at the end of the day.

        Returns:
            One row per user active lately: ``entity_id``, ``probability``,
            ``reports_known_today``.
        """
        seen = batch["sessions"].groupby("user_id", sort=False, as_index=False)
        self.sessions.append(seen.agg({"occurred_at": "max"}))
        self.reports.append(batch["reports"][["user_id"]])
        sessions = pd.concat(self.sessions)
        since = pd.Timestamp(day, tz="UTC") - pd.Timedelta(days=self.active_days - 1)
        active = pd.Index(sessions.loc[sessions["occurred_at"] >= since, "user_id"].unique())
        counts = pd.concat(self.reports)["user_id"].value_counts().reindex(active, fill_value=0)
        today = batch["reports"]["user_id"].value_counts().reindex(active, fill_value=0)
        return pd.DataFrame(
            {
                "entity_id": active,
                "probability": 1 - 0.5 ** counts.to_numpy(dtype=float),
                "reports_known_today": today.to_numpy(dtype=np.int64),
            }
        )


def _queue(
    candidates: pd.DataFrame,
    counted: pd.DataFrame,
    day: date,
    review: ReviewOptions,
    options: HistoryOptions,
) -> pd.DataFrame:
    return build_queue(
        candidates,
        counted,
        model=options.model,
        label=options.label,
        as_of=day,
        version=options.version,
        source="rule",
        threshold=ONE_REPORT,
        options=review,
    )


def _counted(cases: pd.DataFrame, verdicts: pd.DataFrame, known_by: date) -> pd.DataFrame:
    """Return the first-look cases with the verdict that counted at the end of a day."""
    # Arrow still takes zoned times from pandas in a way that pandas has deprecated.
    unzoned = verdicts.assign(decided_at=verdicts["decided_at"].dt.tz_convert(None))
    case_rows = pa.Table.from_pandas(cases, _CASES, preserve_index=False)
    verdict_rows = pa.Table.from_pandas(unzoned[list(VERDICT_TYPES)], preserve_index=False)
    known = counted_verdicts(
        ibis.memtable(case_rows), ibis.memtable(verdict_rows.cast(_VERDICTS)), known_by
    )
    counted: pd.DataFrame = known.to_pyarrow().to_pandas()
    return counted


def _confirmed(counted: pd.DataFrame) -> list[str]:
    is_confirmed = counted["is_violation"].astype("boolean").fillna(value=False).astype(bool)
    return sorted(set(counted.loc[is_confirmed, "entity_id"]))


def _no_cases() -> pd.DataFrame:
    return pd.DataFrame(columns=list(CASE_COLUMNS)).astype(CASE_COLUMNS)


def _no_verdicts() -> pd.DataFrame:
    return pd.DataFrame(columns=list(VERDICT_TYPES)).astype(VERDICT_TYPES)


def _appended(table: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([part for part in (table, rows) if len(part)] or [table], ignore_index=True)
