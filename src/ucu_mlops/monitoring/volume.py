"""Whether as much arrived as on quiet days: events of each source, and rows that were scored.

A feed that loses most of its events leaves no nulls behind: users seem idle, and features drift.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import poisson
from scipy.stats import t as student

from ucu_mlops.errors import SchemaError
from ucu_mlops.monitoring.drift import DRIFT_COLUMNS, MEASURED, DriftOptions

FEED = "feed"  # the kind of these rows of ``drift``
SCORED = "rows:scored"
ARRIVED_NEEDS = ("source", "as_of", "rows")
LIKE_DAYS = 2  # fewer days of a weekday, and the day is compared with all
CHANCE = 1e-6  # of so few by chance alone, were the day like the lowest: small feeds vary by that
WEATHER = 2e-3  # of so few on a day as lively as the quiet days: some feeds vary by a third


def measure_volume(
    reference: Mapping[str, Any],
    arrived: pd.DataFrame,
    scored: int,
    *,
    model: str,
    version: str,
    as_of: date,
    options: DriftOptions,
) -> pd.DataFrame:
    """Compare how much there is of a day with the reference's quiet days like it.

    A loss is a fault when less is left than :func:`least_rows` says; growth never is one.

    Args:
        reference: What :func:`ucu_mlops.monitoring.reference.build_reference` gave.
        arrived: One row per source and day of arrival, of the reference's days and ``as_of``:
            ``source`` (string), ``as_of`` (date) and ``rows`` (int64, events); a day without a
            row had none.
        scored: Rows that were scored on the day.
        model: Name of the model.
        version: The champion whose reference it is.
        as_of: The day.
        options: How little is too little.

    Returns:
        One row per source (named ``events:<source>``) and one named ``rows:scored``, the columns
        of ``drift``: ``kind`` is ``feed``, ``rows`` what there is, ``threshold`` the rows below
        which it is a fault, ``missing_share`` what is missing beside the lowest quiet day (0..1),
        ``state`` ``quiet`` or ``fault``; ``weight`` and the other shares are 0, the measures null.

    Raises:
        SchemaError: A column is missing.
    """
    if missing := sorted(set(ARRIVED_NEEDS) - set(arrived.columns)):
        raise SchemaError(f"volumes of {model} need {missing}; got {list(arrived.columns)}")
    quiet = [date.fromisoformat(day) for day in reference["days_covered"]]
    known = arrived.assign(as_of=pd.to_datetime(arrived["as_of"]).dt.date)
    like = alike(quiet, as_of)
    rows = []
    for source, own in known.groupby("source"):
        counts = own.groupby("as_of")["rows"].sum()
        usual = counts.reindex(quiet, fill_value=0).to_numpy(dtype=np.int64)
        rows.append(_row(f"events:{source}", int(counts.get(as_of, 0)), usual, like, options))
    usual = np.asarray([sum(day) for day in reference["score"]["daily"]], dtype=np.int64)
    rows.append(_row(SCORED, scored, usual, like, options))
    frame = pd.DataFrame(rows).assign(model=model, version=version, as_of=as_of, kind=FEED)
    shares = frame.assign(unseen_share=0.0, outside_share=0.0, weight=0.0)
    return shares.reindex(columns=list(DRIFT_COLUMNS)).astype(dict.fromkeys(MEASURED, "float64"))


def least_rows(usual: NDArray[np.int64], like: NDArray[np.int64], options: DriftOptions) -> float:
    """Give the count below which a day has lost too much to be a quiet one.

    It is the least of three: ``volume_left`` of the lowest quiet day like it, less where those lie
    farther apart than that; what chance leaves of the lowest (Poisson); and Student's prediction
    bound on logarithms, its spread pooled over weekdays, for two days of one tell little of it.

    Args:
        usual: Rows of each quiet day, shape ``(n_days,)``.
        like: Each quiet day's group, 0 for those like the day, shape ``(n_days,)``.
        options: How little is too little.
    """
    own = usual[like == 0]
    lowest, highest = int(own.min()), int(own.max())
    left = min(options.volume_left, lowest / highest) if highest else 0.0
    return min(left * lowest, float(poisson.ppf(CHANCE, lowest)), _weather(usual, like))


def _weather(usual: NDArray[np.int64], like: NDArray[np.int64]) -> float:
    logs = np.log1p(usual)
    groups = [logs[like == each] for each in np.unique(like)]
    freedom = logs.size - len(groups)
    if freedom == 0:  # a single day: it tells no spread
        return float("inf")
    spread = np.sqrt(sum(((own - own.mean()) ** 2).sum() for own in groups) / freedom)
    margin = student.isf(WEATHER, freedom) * spread * np.sqrt(1 + 1 / groups[0].size)
    return float(np.expm1(groups[0].mean() - margin))


def alike(quiet: Sequence[date], as_of: date) -> NDArray[np.int64]:
    """Give each quiet day its group, 0 for those like the day: its weekday's, all if too few."""
    groups = np.asarray([(day.weekday() - as_of.weekday()) % 7 for day in quiet], dtype=np.int64)
    return groups if (groups == 0).sum() >= LIKE_DAYS else np.zeros_like(groups)


def _row(
    name: str, now: int, usual: NDArray[np.int64], like: NDArray[np.int64], options: DriftOptions
) -> dict[str, Any]:
    lowest, threshold = int(usual[like == 0].min()), least_rows(usual, like, options)
    return {
        "name": name,
        "rows": now,
        "threshold": threshold,
        "missing_share": max(0.0, 1 - now / lowest) if lowest else 0.0,
        "state": "fault" if now < threshold else "quiet",
    }
