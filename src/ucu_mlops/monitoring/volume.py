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

from ucu_mlops.errors import SchemaError
from ucu_mlops.monitoring.drift import DRIFT_COLUMNS, MEASURED, DriftOptions

FEED = "feed"  # the kind of these rows of ``drift``
SCORED = "rows:scored"
ARRIVED_NEEDS = ("source", "as_of", "rows")
LIKE_DAYS = 2  # fewer days of a weekday, and the day is compared with all
CHANCE = 1e-6  # of so few by chance alone, were the day like the lowest: small feeds vary by that


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

    A loss is a fault when less is left than ``volume_left`` of the lowest quiet day of the same
    weekday (of all, where that has fewer than two) and, where quiet days lie farther apart than
    that, when it lies as far below the lowest as the highest lies above. Growth never is one.

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
    rows = []
    for source, own in known.groupby("source"):
        counts = own.groupby("as_of")["rows"].sum()
        usual = counts.reindex(quiet, fill_value=0).to_numpy(dtype=np.int64)
        rows.append(
            _row(f"events:{source}", int(counts.get(as_of, 0)), _like(usual, quiet, as_of), options)
        )
    usual = np.asarray([sum(day) for day in reference["score"]["daily"]], dtype=np.int64)
    rows.append(_row(SCORED, scored, _like(usual, quiet, as_of), options))
    frame = pd.DataFrame(rows).assign(model=model, version=version, as_of=as_of, kind=FEED)
    shares = frame.assign(unseen_share=0.0, outside_share=0.0, weight=0.0)
    return shares.reindex(columns=list(DRIFT_COLUMNS)).astype(dict.fromkeys(MEASURED, "float64"))


def _like(usual: NDArray[np.int64], quiet: Sequence[date], as_of: date) -> NDArray[np.int64]:
    """Keep the quiet days of the same weekday, all where those are too few."""
    same = np.asarray([day.weekday() == as_of.weekday() for day in quiet], dtype=bool)
    return usual[same] if same.sum() >= LIKE_DAYS else usual


def _row(name: str, now: int, usual: NDArray[np.int64], options: DriftOptions) -> dict[str, Any]:
    lowest, highest = int(usual.min()), int(usual.max())
    left = min(options.volume_left, lowest / highest) if highest else 0.0
    # The first count that chance alone does not explain bounds it too.
    threshold = min(left * lowest, float(poisson.ppf(CHANCE, lowest)))
    return {
        "name": name,
        "rows": now,
        "threshold": threshold,
        "missing_share": max(0.0, 1 - now / lowest) if lowest else 0.0,
        "state": "fault" if now < threshold else "quiet",
    }
