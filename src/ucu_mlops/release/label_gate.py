"""The gate of a model of several labels: the recall of its worst label, with a floor of precision.

held-out entities and labels → what either version gives → interval of the gain → promote | keep
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ucu_mlops.errors import ConfigurationError, DataError, NotEnoughDataError, SchemaError
from ucu_mlops.quality.bootstrap import Interval, Rows, paired_bootstrap
from ucu_mlops.release.comparison import VERSIONS
from ucu_mlops.release.conditions import Condition, GateReport

COLUMNS = ("entity_id", "label", "shown", "champion", "challenger", "precision_floor")


@dataclass(frozen=True)
class LabelGateOptions:
    """What a challenger must show.

    Attributes:
        min_positives: Held-out entities that show the rarest label, at least.
        margin: What the gain in the worst label's recall must exceed, at its interval's lower end.
        non_inferiority: By how much it may be below 0 where the champion is faulty or too old.
        label_fall: By how much the recall of any one label may fall, at its upper end.
        max_age_days: Age from which on a champion is too old.
        level: Share of the resamples that an interval holds.
        resamples: How many.
        seed: Their seed.
    """

    min_positives: int
    margin: float
    non_inferiority: float
    label_fall: float
    max_age_days: int
    level: float
    resamples: int
    seed: int

    def __post_init__(self) -> None:
        """Refuse what cannot be shown."""
        whole = ("min_positives", "max_age_days", "resamples")
        for key in (*whole, "margin", "non_inferiority", "label_fall", "level"):
            value = getattr(self, key)
            kinds = (int,) if key in whole else (int, float)
            least = 1 if key in whole else 0
            if isinstance(value, bool) or not isinstance(value, kinds) or not value >= least:
                raise ConfigurationError(f"gate.{key} must be {least} or more, got {value!r}")
        if not 0 < self.level < 1:
            raise ConfigurationError(f"gate.level must be above 0 and below 1, got {self.level}")


def compare_labels(
    frame: pd.DataFrame, options: LabelGateOptions, *, lenient: bool = False
) -> GateReport:
    """Compare two versions on the same held-out entities.

    Args:
        frame: One row per entity and label whose answer is known: ``entity_id``, ``label``
            (string), ``shown``, ``champion`` and ``challenger`` (bool: the truth, and whether the
            version gives the label) and ``precision_floor`` (of the label, 0..1).
        options: What the challenger must show.
        lenient: Whether it is enough to be no worse: the champion is faulty or too old.

    Returns:
        The report; ``promote`` exactly when all conditions hold.

    Raises:
        SchemaError: A column is missing.
        DataError: There are no rows.
    """
    if missing := sorted(set(COLUMNS) - set(frame.columns)):
        raise SchemaError(f"the gate needs {missing}; got {list(frame.columns)}")
    if frame.empty:
        raise DataError("the gate has no held-out rows; label some, or hold out a larger share")
    rows = frame.sort_values(["entity_id", "label"], ignore_index=True)
    measured = _Measured(rows)
    positives = {label: int(measured.positives(label)) for label in measured.labels}
    needed = -options.non_inferiority if lenient else options.margin
    asked = "not_inferior" if lenient else "gain_above_margin"
    enough = Condition(
        "enough_positives",
        min(positives.values()) >= options.min_positives,
        min(positives.values()),
        options.min_positives,
    )
    metrics: dict[str, Any] = {
        "rows": len(rows),
        "entities": int(rows["entity_id"].nunique()),
        "positives": positives,
        "level": options.level,
        "gain": None,
        "segments": {},
    }
    if not enough.holds:
        return GateReport("keep", (enough, Condition(asked, False, None, needed)), metrics)
    gain = measured.interval(measured.worst_gain, options)
    falls = {each: measured.interval(measured.gain_of(each), options) for each in measured.labels}
    metrics |= {
        "gain": gain._asdict(),
        "recall": {name: measured.recalls(name) for name in VERSIONS},
        "precision": {name: measured.precisions(name) for name in VERSIONS},
        "segments": {each: {"gain": fall._asdict()} for each, fall in falls.items()},
    }
    above = min(
        precision - measured.floor(label)
        for label, precision in metrics["precision"]["challenger"].items()
    )
    worst = min(fall.high for fall in falls.values())
    conditions = (
        enough,
        Condition(asked, gain.low > needed, gain.low, needed),
        Condition("precision_above_floor", above >= 0, above, 0),
        Condition("labels_hold", worst >= -options.label_fall, worst, -options.label_fall),
    )
    action = "promote" if all(each.holds for each in conditions) else "keep"
    return GateReport(action, conditions, metrics)


class _Measured:
    """Figures of both versions on any selection of the same rows."""

    def __init__(self, rows: pd.DataFrame) -> None:
        codes, names = pd.factorize(rows["label"], sort=True)
        self.labels = [str(each) for each in names]
        self._label = codes
        self._shown = rows["shown"].to_numpy(dtype=bool)
        self._given = {name: rows[name].to_numpy(dtype=bool) for name in VERSIONS}
        self._floor = rows.groupby("label")["precision_floor"].max()
        self._entities = rows["entity_id"].to_numpy()
        self._all = np.arange(len(rows), dtype=np.int64)

    def floor(self, label: str) -> float:
        return float(self._floor[label])

    def positives(self, label: str) -> int:
        return int((self._shown & (self._label == self.labels.index(label))).sum())

    def recalls(self, version: str) -> dict[str, float]:
        return dict(zip(self.labels, self._recall(version, self._all).tolist(), strict=True))

    def precisions(self, version: str) -> dict[str, float]:
        given = np.bincount(self._label, self._given[version], len(self.labels))
        right = np.bincount(self._label, self._given[version] & self._shown, len(self.labels))
        # Nothing given is nothing given wrongly.
        shares = np.divide(right, given, out=np.ones_like(given), where=given > 0)
        return dict(zip(self.labels, shares.tolist(), strict=True))

    def worst_gain(self, chosen: Rows) -> float:
        challenger, champion = (self._recall(name, chosen) for name in reversed(VERSIONS))
        return float(challenger.min() - champion.min())

    def gain_of(self, label: str) -> "_Gain":
        return _Gain(self, self.labels.index(label))

    def interval(self, statistic: Any, options: LabelGateOptions) -> Interval:
        return paired_bootstrap(
            statistic,
            self._entities,
            n=options.resamples,
            seed=options.seed,
            level=options.level,
        )

    def _recall(self, version: str, chosen: Rows) -> NDArray[np.float64]:
        label, shown = self._label[chosen], self._shown[chosen]
        total = np.bincount(label, shown, len(self.labels))
        if not total.all():
            raise NotEnoughDataError("no positive of a label was drawn")
        found = np.bincount(label, shown & self._given[version][chosen], len(self.labels))
        return found / total


@dataclass(frozen=True)
class _Gain:
    """The challenger's gain in the recall of one label."""

    measured: _Measured
    place: int

    def __call__(self, chosen: Rows) -> float:
        challenger, champion = (
            self.measured._recall(name, chosen)  # noqa: SLF001 (its other half)
            for name in reversed(VERSIONS)
        )
        return float(challenger[self.place] - champion[self.place])
