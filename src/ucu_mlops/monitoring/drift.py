"""How far a day's inputs and scores lie from the champion's reference, feature by feature.

quiet: as usual; drift: farther than quiet days lie apart; fault: the data is broken, not the world
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ucu_mlops.errors import NotEnoughDataError, SchemaError
from ucu_mlops.monitoring.histograms import HISTOGRAM_COLUMNS, counts_per_bin, watched_profiles
from ucu_mlops.monitoring.quiet import MIN_DAYS, QuietOptions, UsualDay, prior_variance, usual_day
from ucu_mlops.monitoring.reference import variety
from ucu_mlops.quality.checks import COUNT, INNER_SHARE, POSITIVE, check_numbers, check_words
from ucu_mlops.quality.drift import g_test, jensen_shannon, l_infinity

DRIFT_COLUMNS = (
    *("model", "name", "as_of", "version", "kind", "measure", "l_infinity", "p_value"),
    *("threshold", "missing_share", "unseen_share", "outside_share", "rows", "weight", "state"),
)
MEASURED = ("measure", "l_infinity", "p_value")
JUMPS = ("missing_jump", "unseen_jump", "outside_jump")

FILE = "monitoring.yml"  # of conf/*/parameters/


@dataclass(frozen=True)
class DriftOptions:
    """When a day counts as unusual, and when as broken.

    Attributes:
        floor: Jensen-Shannon distance (0..1) below which nothing counts as drift, however alike
            the quiet days were: smaller ones do not matter.
        level: Probability that on one quiet day any feature or the score exceeds its threshold.
        missing_jump: How far the share of nulls must exceed the largest of the quiet days for a
            fault, in shares (0.2 is 20 percentage points).
        unseen_jump: The same of categories that the reference does not know.
        outside_jump: The same of numbers outside the reference's range.
        variety: A feature whose values all fall into one bin is a fault if on every quiet day at
            least this share fell into others.
        volume_left: Share of the lowest quiet day's events, or scored rows, below which a day has
            lost a feed.
        unwatched: Features that move by themselves on every platform, such as the age of its
            accounts; they are not measured.
        outlier_spans: A number is an outlier when it lies beyond the reference's range by this
            many lengths of that range.
        outliers: How many outliers of a feature are kept at most, of each day.
    """

    floor: float = 0.1
    level: float = 0.05
    missing_jump: float = 0.2
    unseen_jump: float = 0.2
    outside_jump: float = 0.2
    variety: float = 0.05
    volume_left: float = 0.5
    unwatched: Sequence[str] = ()
    outlier_spans: float = 1.0
    outliers: int = 5

    def __post_init__(self) -> None:
        """Refuse thresholds that always or never alarm."""
        QuietOptions(self.floor, self.level)
        check_words(self, "drift", FILE, "unwatched")
        check_numbers(
            self,
            "drift",
            FILE,
            **dict.fromkeys((*JUMPS, "variety", "volume_left"), INNER_SHARE),
            outlier_spans=POSITIVE,
            outliers=COUNT,
        )


def measure_drift(
    reference: Mapping[str, Any],
    histograms: pd.DataFrame,
    *,
    model: str,
    version: str,
    as_of: date,
    options: DriftOptions,
) -> pd.DataFrame:
    """Compare one day with the reference's days like it.

    Args:
        reference: What :func:`ucu_mlops.monitoring.reference.build_reference` gave.
        histograms: The day, as :func:`ucu_mlops.monitoring.histograms.day_histograms` counts it:
            one row per name and bin: ``name``, ``bin``, ``rows``. No rows, or no values of a
            feature, is a fault.
        model: Name of the model.
        version: The champion whose reference it is.
        as_of: The day.
        options: When a day counts as unusual.

    Returns:
        One row per watched feature and one named ``score``: ``model``, ``name``, ``as_of`` (date),
        ``version``, ``kind`` (``numeric``, ``categorical`` or ``score``); of the known values,
        null without any: ``measure`` (Jensen-Shannon distance), ``l_infinity`` (largest move of a
        bin's share) and ``p_value`` (G-test: shown, not decisive); ``threshold`` (distance from
        which it is drift), ``missing_share`` (0..1, of all rows), ``unseen_share`` (of the known
        values: categories that the reference does not know), ``outside_share`` (numbers outside
        its range), ``rows`` (int64), ``weight`` (the feature's share of the importances; 1 for
        the score) and ``state`` (``quiet``, ``drift`` or ``fault``).

    Raises:
        NotEnoughDataError: The reference is empty, or does not tell its days apart.
        SchemaError: A column is missing.
    """
    if not reference.get("days_covered"):
        raise NotEnoughDataError(
            f"the champion of {model} has no reference of single days to be compared with; "
            "release one that has"
        )
    if missing := sorted(set(HISTOGRAM_COLUMNS) - set(histograms.columns)):
        raise SchemaError(f"drift of {model} needs {missing}; got {list(histograms.columns)}")
    profiles = watched_profiles(reference, options.unwatched)
    weekdays = [date.fromisoformat(day).weekday() for day in reference["days_covered"]]
    prior = prior_variance([profile["daily"] for profile in profiles.values()], weekdays)
    rows = []
    for name, profile in profiles.items():
        counts, unknown = counts_per_bin(histograms, name, len(profile["shares"]))
        usual = _usual(profile, weekdays, counts, as_of, (len(profiles), prior), options)
        rows.append({"name": name} | _compare(profile, counts, unknown, usual, options))
    measured = pd.DataFrame(rows).assign(model=model, version=version, as_of=as_of)
    return measured[list(DRIFT_COLUMNS)].astype(dict.fromkeys(MEASURED, "float64"))


def _usual(
    profile: Mapping[str, Any],
    weekdays: Sequence[int],
    counts: NDArray[np.int64],
    as_of: date,
    family: tuple[int, float],
    options: DriftOptions,
) -> UsualDay:
    """Find what the day is compared with; what was never known is unlike nothing."""
    watched, prior = family
    daily = np.asarray(profile["daily"], dtype=np.int64)
    if (daily.sum(axis=1) > 0).sum() < MIN_DAYS:
        return UsualDay(daily.sum(axis=0), 1.0)
    return usual_day(
        daily,
        weekdays,
        weekday=as_of.weekday(),
        rows=int(counts.sum()),
        watched=watched,
        options=QuietOptions(options.floor, options.level),
        prior=prior,
    )


def _compare(
    profile: Mapping[str, Any],
    counts: NDArray[np.int64],
    unknown: int,
    usual: UsualDay,
    options: DriftOptions,
) -> dict[str, Any]:
    known = int(counts.sum())
    comparable = bool(known and usual.counts.sum())
    measures = [
        measure(counts, usual.counts) if comparable else None
        for measure in (jensen_shannon, l_infinity, g_test)
    ]
    shares = {
        "missing_share": unknown / (known + unknown) if known + unknown else 1.0,
        "unseen_share": _unseen(profile, counts),
        "outside_share": _outside(profile, counts),
    }
    if _is_broken(profile, counts, shares, options):
        state = "fault"
    else:
        distance = measures[0]
        state = "quiet" if distance is None or distance <= usual.threshold else "drift"
    return {
        "kind": profile["kind"],
        **dict(zip(MEASURED, measures, strict=True)),
        "threshold": usual.threshold,
        **shares,
        "rows": known + unknown,
        "weight": profile["weight"],
        "state": state,
    }


def _unseen(profile: Mapping[str, Any], counts: NDArray[np.int64]) -> float:
    """Give the share of the last bin of a category, which holds every other word."""
    if profile["kind"] != "categorical" or not counts.sum():
        return 0.0
    return float(counts[-1] / counts.sum())


def _outside(profile: Mapping[str, Any], counts: NDArray[np.int64]) -> float:
    """Give the share of a number's first and last bin, below and above all that was seen."""
    if profile["kind"] == "categorical" or not counts.sum() or not profile["edges"]:
        return 0.0
    return float((counts[0] + counts[-1]) / counts.sum())


def _is_broken(
    profile: Mapping[str, Any],
    counts: NDArray[np.int64],
    shares: Mapping[str, float],
    options: DriftOptions,
) -> bool:
    if shares["missing_share"] == 1.0:
        return bool(profile["largest_missing"] < 1.0)
    usual = {"missing": profile["largest_missing"]}
    daily = [np.asarray(day) for day in profile["daily"]]
    usual["unseen"] = max(_unseen(profile, day) for day in daily)
    usual["outside"] = max(_outside(profile, day) for day in daily)
    jumped = any(
        shares[f"{what}_share"] > largest + getattr(options, f"{what}_jump")
        for what, largest in usual.items()
    )
    return jumped or (profile["variety"] >= options.variety and variety(counts) == 0.0)
