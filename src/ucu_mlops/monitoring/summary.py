"""Puts a monitored day into one JSON object, which page, metrics and logs are made of."""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

import pandas as pd

from ucu_mlops.bundle.manifest import Manifest

FIGURES = (
    *("measure", "l_infinity", "p_value", "threshold", "missing_share", "unseen_share"),
    *("outside_share", "rows", "weight"),
)


def summarize(
    drift: pd.DataFrame,
    decision: Mapping[str, Any],
    queue: pd.DataFrame,
    *,
    champion: Manifest,
    capacity: int,
    outliers: int,
) -> dict[str, Any]:
    """Describe a day.

    Args:
        drift: One row per day and feature or score, up to the day; the columns that
            :func:`ucu_mlops.monitoring.drift.measure_drift` gives.
        decision: The day's row of ``decisions``: ``as_of``, ``action``, ``reasons`` and
            ``evidence`` (JSON).
        queue: One row per case of the day: ``source``.
        champion: What scored the day.
        capacity: Cases that moderators can check a day.
        outliers: Values of the day far outside the reference's range.

    Returns:
        A JSON object: ``model``, ``as_of``, ``version``, ``kind`` and ``trained`` of the
        champion, ``action`` and ``reasons``, ``breaker`` (``open`` once people are called),
        ``scored`` (rows), ``queue`` (``cases`` by source, ``capacity``), ``precision`` (of the
        queue, over its window: ``precision``, ``decided``, ``violations``), ``outliers`` and
        ``features``: per feature and the score the figures of ``drift``, ``ratio`` (distance by
        threshold; null without values), ``state`` and ``since`` (first day of an unbroken row
        of days in which it was not quiet; null when it is).
    """
    as_of = pd.Timestamp(decision["as_of"])
    evidence = json.loads(decision["evidence"])
    outcome = evidence.get("outcome", {}).get("queue_precision", {})
    known = drift.assign(as_of=pd.to_datetime(drift["as_of"]))
    known = known[known["as_of"].le(as_of)].sort_values("as_of")
    today = known[known["as_of"].eq(as_of)].sort_values("name")
    features = [
        _described(row, known[known["name"].eq(row["name"])]) for row in today.to_dict("records")
    ]
    return {
        "model": champion.model,
        "as_of": as_of.date().isoformat(),
        "version": str(today["version"].iloc[0]) if len(today) else None,
        "kind": champion.kind,
        "trained": champion.as_of,
        "action": decision["action"],
        "reasons": json.loads(decision["reasons"]),
        "breaker": evidence.get("breaker"),
        "scored": next((each["rows"] for each in features if each["kind"] == "score"), 0),
        "queue": {
            "cases": {str(name): int(n) for name, n in queue["source"].value_counts().items()},
            "capacity": capacity,
        },
        "precision": outcome.get("window"),
        "outliers": outliers,
        "features": features,
    }


def _described(row: Mapping[Any, Any], history: pd.DataFrame) -> dict[str, Any]:
    """Describe a feature; ``history`` is its rows of ``drift`` up to today, oldest first."""
    figures = {name: None if pd.isna(row[name]) else float(row[name]) for name in FIGURES}
    distance = figures["measure"]
    return {
        "name": row["name"],
        "kind": row["kind"],
        **figures,
        "rows": int(row["rows"]),
        "ratio": None if distance is None else distance / float(row["threshold"]),
        "state": row["state"],
        "since": since(history),
    }


def since(history: pd.DataFrame) -> str | None:
    """Give the first day (ISO) of the unbroken row of unquiet days at the end of a history.

    Args:
        history: One row per day, oldest first: ``as_of``, ``state``.
    """
    quiet = history["state"].eq("quiet").to_numpy()
    row = int(quiet[::-1].argmax()) if quiet.any() else len(quiet)
    if not row:
        return None
    first: date = history["as_of"].iloc[len(quiet) - row].date()
    return first.isoformat()
