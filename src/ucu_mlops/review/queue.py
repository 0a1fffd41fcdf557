"""Who is put before the moderators today, and how probable it was that they would be.

candidates, history → who may be queued → model | report | exploration
decided cases → second look
"""

from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from ucu_mlops.errors import ConfigurationError, DataError, DuplicateKeyError, SchemaError
from ucu_mlops.quality.hashing import derived_id, hash_share
from ucu_mlops.review.exploration import draw_by_strata
from ucu_mlops.review.options import ReviewOptions
from ucu_mlops.review.second_looks import draw_second_looks

CANDIDATE_COLUMNS = ("entity_id", "probability", "reports_known_today")
HISTORY_COLUMNS = (
    *("case_id", "entity_id", "as_of", "probability", "source"),
    *("is_violation", "decided_at", "second_look_as_of"),
)
CASE_COLUMNS = {
    "case_id": "str",
    "model": "str",
    "entity_id": "str",
    "label": "str",
    "as_of": "object",
    "rank": "int64",
    "source": "str",
    "propensity": "float64",
    "probability": "float64",
    "reasons": "str",
    "version": "str",
    "first_case_id": "str",
}
SOURCES = ("model", "rule")


def build_queue(  # noqa: PLR0913 - each keyword is a column of every case
    candidates: pd.DataFrame,
    history: pd.DataFrame,
    *,
    model: str,
    label: str,
    as_of: date,
    version: str,
    source: str,
    threshold: float,
    options: ReviewOptions,
) -> pd.DataFrame:
    """Choose the cases of one day; the same inputs in any row order make the same queue.

    Confirmed users and users with an open case are never queued again, dismissed ones not for
    ``dismissed_days`` unless their probability rises past the highest it was when dismissed.
    The model's and the reports' cases have propensity 1; given those, exploration draws one of
    each stratum of the other users who may be queued, so that weighting its verdicts by
    1 / propensity estimates what is among them. Cases of ``as_of`` or later and verdicts of
    later days are ignored, so an old day can be built again.

    Args:
        candidates: One row per active user as of ``as_of``. Needs ``entity_id`` (string),
            ``probability`` (float, 0..1) and ``reports_known_today`` (int, reports of the user
            that became known on ``as_of``).
        history: One row per first-look case of this model and label, as
            :func:`ucu_mlops.review.verdicts.counted_verdicts` gives it. Needs ``case_id``,
            ``entity_id``, ``as_of`` (date), ``probability``, ``source``, ``is_violation``
            (boolean, null while open), ``decided_at`` (timestamp, UTC, null while open) and
            ``second_look_as_of`` (date, null when never looked at again).
        model: Name of the model.
        label: Name of its label.
        as_of: The day, meaning its end (UTC).
        version: Version of the champion that gave the probabilities.
        source: ``model`` or ``rule``: what gave the probabilities.
        threshold: Probability from which on the champion asks for a look.
        options: How the day is divided.

    Returns:
        One row per case with the columns of ``cases``, most probable first; ``reasons`` is an
        empty JSON list. At most ``capacity`` rows and one per user.

    Raises:
        ConfigurationError: ``source`` is neither ``model`` nor ``rule``.
        SchemaError: A column is missing.
        DataError: ``candidates`` has null or duplicate users, or a probability outside 0..1.
    """
    if source not in SOURCES:
        raise ConfigurationError(f"review: source must be one of {SOURCES}, got {source!r}")
    _check_candidates(candidates)
    past = _known_history(history, as_of)
    salt = f"{options.seed}|{model}|{label}|{as_of}"
    eligible = _eligible(candidates, past, as_of, options)
    seconds = _second_looks(past, eligible, as_of, salt, options)
    firsts = _first_looks(eligible, source, threshold, salt, len(seconds), options)
    chosen = pd.concat([firsts, seconds]) if len(seconds) else firsts
    chosen = _in_order(chosen.reset_index(drop=True), f"{salt}|order")
    return _as_cases(chosen, model=model, label=label, as_of=as_of, version=version)


def _check_candidates(candidates: pd.DataFrame) -> None:
    if missing := sorted(set(CANDIDATE_COLUMNS) - set(candidates.columns)):
        raise SchemaError(f"candidates need {missing}; got {list(candidates.columns)}")
    entities, probability = candidates["entity_id"], candidates["probability"].astype("float64")
    if entities.isna().any():
        raise DuplicateKeyError(
            f"candidates.entity_id is null in {int(entities.isna().sum())} rows; "
            "score each active user once"
        )
    if (repeated := entities[entities.duplicated()]).size:
        raise DuplicateKeyError(
            f"candidates.entity_id holds {repeated.iloc[0]!r} more than once "
            f"({repeated.size} rows too many); score each active user once"
        )
    if wrong := int((~probability.between(0, 1)).sum()):
        raise DataError(
            f"candidates.probability is missing or outside 0..1 in {wrong} rows; "
            "check the scores of the day"
        )
    if candidates["reports_known_today"].isna().any():
        raise DataError("candidates.reports_known_today is null; a user without reports has 0")


def _known_history(history: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """Give the earlier days' cases as they were known at the end of ``as_of``."""
    if missing := sorted(set(HISTORY_COLUMNS) - set(history.columns)):
        raise SchemaError(f"history needs {missing}; got {list(history.columns)}")
    today = pd.Timestamp(as_of)
    decided_at = pd.to_datetime(history["decided_at"], utc=True)
    decided = decided_at.lt(today.tz_localize("UTC") + pd.Timedelta(days=1)) & (
        history["is_violation"].notna()
    )
    violation = history["is_violation"].astype("boolean").fillna(value=False).astype(bool)
    second = pd.to_datetime(history["second_look_as_of"])
    past = pd.DataFrame(
        {
            "case_id": history["case_id"].astype("str"),
            "entity_id": history["entity_id"].astype("str"),
            "as_of": pd.to_datetime(history["as_of"]),
            "probability": history["probability"].astype("float64"),
            "decided_at": decided_at,
            "explored": history["source"].eq("exploration"),
            "open": ~decided,
            "confirmed": decided & violation,
            "dismissed": decided & ~violation,
            "looked_again": second.lt(today),
        }
    )
    return past[past["as_of"].lt(today)]


def _eligible(
    candidates: pd.DataFrame, past: pd.DataFrame, as_of: date, options: ReviewOptions
) -> pd.DataFrame:
    """Keep the candidates who may get a first look today."""
    users = candidates[list(CANDIDATE_COLUMNS)].astype({"entity_id": "str", "probability": float})
    users = users.reset_index(drop=True)
    barred = past.loc[past["open"] | past["confirmed"], "entity_id"]
    recent = past[past["dismissed"] & past["decided_at"].ge(_days_before(as_of, options))]
    # a case without a probability cannot be risen past
    bars = recent["probability"].fillna(np.inf).groupby(recent["entity_id"]).max() + options.rise
    bar = users["entity_id"].map(bars).astype("float64")
    queueable = ~users["entity_id"].isin(barred) & (bar.isna() | users["probability"].gt(bar))
    return users[queueable]


def _days_before(as_of: date, options: ReviewOptions) -> pd.Timestamp:
    end_of_day = pd.Timestamp(as_of, tz="UTC") + pd.Timedelta(days=1)
    return end_of_day - pd.Timedelta(days=options.dismissed_days)


def _second_looks(
    past: pd.DataFrame, eligible: pd.DataFrame, as_of: date, salt: str, options: ReviewOptions
) -> pd.DataFrame:
    """Draw decided cases; users who may get a first look today, or wait for one, are left to it.

    A confirmed user has left the platform, and is looked at again all the same.
    """
    back = eligible.loc[eligible["entity_id"].isin(past["entity_id"]), "entity_id"]
    elsewhere = pd.concat([back, past.loc[past["open"], "entity_id"]])
    # The latest case of a user, whose verdict was the last word.
    latest = past.sort_values(["decided_at", "case_id"]).drop_duplicates("entity_id", keep="last")
    drawn = draw_second_looks(
        latest[~latest["entity_id"].isin(elsewhere)],
        pd.Timestamp(as_of, tz="UTC"),
        options.places()[1],
        options.second_look_days,
        f"{salt}|second_look",
    )
    return drawn.assign(source="second_look", first_case_id=drawn["case_id"])[
        ["entity_id", "probability", "source", "propensity", "first_case_id"]
    ]


def _first_looks(
    eligible: pd.DataFrame,
    source: str,
    threshold: float,
    salt: str,
    n_second: int,
    options: ReviewOptions,
) -> pd.DataFrame:
    """Give the model, the reports and exploration their places."""
    n_explored, _, n_reported = options.places()
    n_chosen = options.capacity - n_explored - n_second  # the model's and the reports' places
    users = _in_order(eligible.assign(first_case_id=None), f"{salt}|ties")
    wanted = users[users["probability"].ge(threshold) | options.fill_below_threshold]
    top = wanted.head(n_chosen - n_reported)
    others = users.drop(top.index)
    by_report = others[others["reports_known_today"].gt(0)].head(n_reported)
    n_by_model = n_chosen - len(by_report)
    by_model = wanted.drop(by_report.index, errors="ignore").head(n_by_model)
    unseen = users.drop(by_model.index).drop(by_report.index)
    explored = draw_by_strata(
        unseen, n_explored, f"{salt}|exploration", uniform_share=options.uniform_share
    ).assign(source="exploration")
    by_model = by_model.assign(source=source, propensity=1.0)
    by_report = by_report.assign(source="report", propensity=1.0)
    return pd.concat([by_model, by_report, explored])[
        ["entity_id", "probability", "source", "propensity", "first_case_id"]
    ]


def _in_order(users: pd.DataFrame, salt: str) -> pd.DataFrame:
    """Sort by probability, the equally probable by lot."""
    tied = users["probability"].duplicated(keep=False)
    luck = pd.Series(0.0, index=users.index)
    luck[tied] = hash_share(users.loc[tied, "entity_id"], salt)
    return users.assign(luck=luck).sort_values(
        ["probability", "luck", "entity_id"], ascending=[False, True, True]
    )


def _as_cases(chosen: pd.DataFrame, **constants: Any) -> pd.DataFrame:
    cases = chosen.assign(rank=np.arange(1, len(chosen) + 1), reasons="[]", **constants)
    keys = ("model", "entity_id", "label", "as_of", "source")
    rows = zip(*(cases[key] for key in keys), strict=True)
    cases["case_id"] = [derived_id(*row) for row in rows]
    return cases[list(CASE_COLUMNS)].astype(CASE_COLUMNS).reset_index(drop=True)
