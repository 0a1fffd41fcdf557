"""Which drift lasts: on k of the last n days, faults and their after-effects left out."""

from datetime import date, timedelta
from typing import Any

import pandas as pd


def known_drift(drift: pd.DataFrame, as_of: date, version: str | None) -> pd.DataFrame:
    """Keep the days up to ``as_of`` that were compared with the champion's reference.

    Faults are those of the data, whoever was champion: their echo outlasts a rollback.

    Args:
        drift: One row per day and feature or score, as ``drift`` holds them.
        as_of: The day; later ones are not known yet.
        version: The champion's version; None keeps every version's.
    """
    known = drift.assign(as_of=pd.to_datetime(drift["as_of"]))
    known = known[known["as_of"].le(pd.Timestamp(as_of))]
    return (
        known
        if version is None
        else known[known["version"].eq(version) | known["state"].eq("fault")]
    )


def lasting_drift(
    known: pd.DataFrame, as_of: date, *, days: int, drifting_days: int, after_fault_days: int
) -> list[dict[str, Any]]:
    """Describe what drifted on enough of the last days, the weightiest first.

    On a day with a fault nothing counts. Drift that began with a fault is its echo in the
    trailing windows of other features, and does not count until they have forgotten it.

    Args:
        known: What :func:`known_drift` gave.
        as_of: The day.
        days: Length of the window, in days.
        drifting_days: On how many of them.
        after_fault_days: For how many days after a fault its echo is heard.

    Returns:
        One JSON object per feature or score: ``name``, ``kind``, ``measure``, ``threshold``,
        ``weight``, ``days`` (on how many of the window), ``since`` (ISO date) and
        ``after_fault`` (whether it is an echo).
    """
    today = pd.Timestamp(as_of)
    faults = known.loc[known["state"].eq("fault"), "as_of"].drop_duplicates()
    heard = faults[faults.ge(today - timedelta(days=after_fault_days))]
    found = []
    for name, rows in known[known["state"].eq("drift")].sort_values("as_of").groupby("name"):
        clean = rows[~rows["as_of"].isin(faults)]
        recent = clean[clean["as_of"].gt(today - timedelta(days=days))]
        if recent["as_of"].nunique() < drifting_days:
            continue
        gaps = rows["as_of"].diff().dt.days
        since = rows.loc[~gaps.le(days), "as_of"].max()
        last = recent.iloc[-1]
        found.append(
            {
                "name": str(name),
                "kind": str(last["kind"]),
                "measure": float(last["measure"]),
                "threshold": float(last["threshold"]),
                "weight": float(last["weight"]),
                "days": int(recent["as_of"].nunique()),
                "since": since.date().isoformat(),
                "after_fault": bool((since - heard).dt.days.between(0, days).any()),
            }
        )
    return sorted(found, key=lambda each: (each["kind"] != "score", -each["weight"], each["name"]))
