"""Whether a challenger may replace the champion: both on the same held-out rows, with conditions.

holdout scores → the model's metric of either → interval of the gain → conditions → promote | keep
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ucu_mlops.errors import DataError, DuplicateKeyError, SchemaError
from ucu_mlops.release.comparison import VERSIONS, Comparison
from ucu_mlops.release.conditions import Condition, GateReport
from ucu_mlops.release.options import GateOptions

HOLDOUT_COLUMNS = ("entity_id", "as_of", "label", "weight", "champion", "challenger")


def compare(
    frame: pd.DataFrame,
    options: GateOptions,
    *,
    lenient: bool = False,
    segments: Mapping[str, Sequence[float]] | None = None,
) -> GateReport:
    """Compare challenger and champion by the model's metric on held-out rows.

    A row counts 1 / propensity, half as much for every half-life that it is old, and no positive
    more than ``largest_share`` of all. The challenger passes when

    - the hold-out has enough positive users, and no shuffle of the labels over the rows among
      ``1 / chance`` gives it as good a figure (with fewer positives an interval means nothing);
    - the lower end of its gain's interval is above the margin, or above minus the
      non-inferiority where that is enough;
    - no segment has fallen too far beyond doubt: even the upper end of its interval is below;
    - its calibration error is not larger than allowed.

    Rows are decided cases, mostly those that the champion queued. Among these its scores differ
    little, so the figure favours the challenger (docs/adr/0006); what only the challenger would
    have found shows in the reported and the explored rows alone.

    Args:
        frame: One row per labelled, held-out entity and day. Needs ``entity_id``, ``as_of``,
            ``label`` (0 or 1), ``weight`` (1 / propensity, above 0), ``champion`` and
            ``challenger`` (probabilities, 0..1), and the columns of the segments.
        options: What the challenger must show.
        lenient: Whether it is enough to be no worse: the champion is faulty or too old.
        segments: Columns to look at apart; edges of numbers, nothing for categories.

    Returns:
        The report; ``promote`` exactly when all conditions hold. Where there are too few positives
        the gain is null.

    Raises:
        SchemaError: A column is missing.
        DuplicateKeyError: An entity is null or twice on a day.
        DataError: A label, weight or probability is missing or out of range.
    """
    segments = segments or {}
    _check(frame, segments)
    rows = _recent(frame, options)
    positives = int(rows.loc[rows["label"].eq(1), "entity_id"].nunique())
    explored = rows["weight"].gt(1)
    metrics: dict[str, Any] = {
        "rows": len(rows),
        "entities": int(rows["entity_id"].nunique()),
        "positives": positives,
        "explored": int(explored.sum()),
        "explored_positives": int((explored & rows["label"].eq(1)).sum()),
        "capacity": max(1, round(options.capacity_share * len(rows))),
        "recent": {"metric": options.metric, "days": options.recent_days},
        "gain": None,
        "level": options.level,
        "segments": {},
    }
    enough = Condition(
        "enough_positives", positives >= options.min_positives, positives, options.min_positives
    )
    name, needed = (
        ("not_inferior", -options.non_inferiority)
        if lenient
        else ("gain_above_margin", options.margin)
    )
    if not enough.holds or rows["label"].all():
        unmeasured = [Condition(each, False, None, needed) for each in ("beats_chance", name)]
        return GateReport("keep", (enough, *unmeasured), metrics)
    comparison = Comparison(rows, options)
    metrics["recent"] |= {version: comparison.figure(version) for version in VERSIONS}
    gain = comparison.gain()
    metrics["gain"] = gain._asdict()
    metrics["segments"] = comparison.segments(segments)
    conditions = (
        enough,
        comparison.chance(),
        Condition(name, gain.low > needed, gain.low, needed),
        _segments_hold(metrics["segments"], options),
        comparison.calibration(),
    )
    action = "promote" if all(each.holds for each in conditions) else "keep"
    return GateReport(action, conditions, metrics)


def _check(frame: pd.DataFrame, segments: Mapping[str, Sequence[float]]) -> None:
    if missing := sorted({*HOLDOUT_COLUMNS, *segments} - set(frame.columns)):
        raise SchemaError(f"the gate needs {missing}; got {list(frame.columns)}")
    keys = frame[["entity_id", "as_of"]]
    if keys.isna().any(axis=None) or keys.duplicated().any():
        raise DuplicateKeyError(
            "the gate's hold-out has a null or repeated entity_id and as_of; keep one row of each"
        )
    if not frame["label"].isin([0, 1]).all():
        raise DataError("the gate's hold-out has labels other than 0 and 1")
    if not (frame["weight"].gt(0) & np.isfinite(frame["weight"].astype("float64"))).all():
        raise DataError("the gate's hold-out has weights that are missing, infinite or not above 0")
    for model in VERSIONS:
        if wrong := int((~frame[model].astype("float64").between(0, 1)).sum()):
            raise DataError(
                f"the gate's hold-out has {wrong} probabilities of the {model} that are missing "
                "or outside 0..1; score it again"
            )


def _recent(frame: pd.DataFrame, options: GateOptions) -> pd.DataFrame:
    days = pd.to_datetime(frame["as_of"])
    ages = (days.max() - days).dt.days
    return (
        frame.assign(age=ages)[ages < options.recent_days]
        .sort_values(["entity_id", "as_of"])
        .reset_index(drop=True)
    )


def _segments_hold(segments: dict[str, dict[str, Any]], options: GateOptions) -> Condition:
    measured = [each["gain"]["high"] for each in segments.values() if each["gain"]]
    worst = min(measured, default=None)
    holds = worst is None or worst >= -options.segment_fall
    return Condition("segments_hold", holds, worst, -options.segment_fall)
