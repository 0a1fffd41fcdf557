"""Unpack tables and parameters for the simulated platform."""

from typing import Any

import ibis
import pandas as pd

from ucu_mlops.features.period import Period
from ucu_mlops.review.options import ReviewOptions
from ucu_mlops.simulation.history import HistoryOptions, play_day, play_history
from ucu_mlops.simulation.moderators import ModeratorOptions, decided_elsewhere
from ucu_mlops.simulation.platform import SOURCE_TABLES, Platform, PlatformOptions
from ucu_mlops.simulation.spool import Spool

MODEL = "scam"  # whose cases the platform's past holds


def simulate_past(
    platform: PlatformOptions,
    moderators: ModeratorOptions,
    review: ReviewOptions,
    history: HistoryOptions,
) -> dict[str, Any]:
    """Play the platform's past, when the most reported users filled the queue.

    Returns:
        ``source_tables`` (by name, each a stream from disk: the events may be more than fit
        into memory), ``cases``, ``verdicts`` and ``truth``.
    """
    made, spool = Platform(platform), Spool()
    cases: list[pd.DataFrame] = []
    verdicts: list[pd.DataFrame] = []
    for day in play_history(made, moderators, review, history):
        for name in SOURCE_TABLES:
            spool.append(name, day[name])
        cases.append(day["cases"])
        verdicts.append(day["verdicts"])
    return {
        "source_tables": spool.readers(),
        "cases": pd.concat(cases, ignore_index=True),
        "verdicts": pd.concat(verdicts, ignore_index=True),
        "truth": made.truth(),
    }


def simulate_day(
    platform: PlatformOptions,
    moderators: ModeratorOptions,
    cases: ibis.Table,
    verdicts: ibis.Table,
    period: Period,
) -> dict[str, Any]:
    """Play one more day: who is still there acts, and moderators decide open cases.

    Returns:
        ``source_tables`` (the day's rows by table) and ``verdicts`` (the day's, other models' too).
    """
    own, known = cases.filter(cases["model"] == MODEL).execute(), verdicts.execute()
    played: dict[str, pd.DataFrame] = play_day(
        Platform(platform), moderators, own, known, period.as_of
    )
    others = decided_elsewhere(known, own, period.as_of)
    return {
        "source_tables": {name: played[name] for name in SOURCE_TABLES},
        "verdicts": pd.concat([others, played["verdicts"]], ignore_index=True),
    }
