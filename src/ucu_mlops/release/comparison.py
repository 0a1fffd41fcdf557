"""How two versions compare on the same rows: figures, gain, chance, segments, calibration."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ucu_mlops.quality.bootstrap import Interval, Rows, paired_bootstrap
from ucu_mlops.quality.evaluation import segments_of
from ucu_mlops.quality.metrics import calibration_error
from ucu_mlops.quality.weights import bounded_share, recency
from ucu_mlops.release.conditions import Condition
from ucu_mlops.release.metrics import METRICS
from ucu_mlops.release.options import GateOptions

VERSIONS = ("champion", "challenger")


class Comparison:
    """Figures of both versions on the same rows, at least one of them positive and one not."""

    def __init__(self, rows: pd.DataFrame, options: GateOptions) -> None:
        self._rows, self._options = rows, options
        self._metric = METRICS[options.metric]
        self._labels = rows["label"].to_numpy(dtype=np.float64)
        self._given = rows["weight"].to_numpy(dtype=np.float64)
        fading = self._given * recency(rows["age"], options.half_life_days)
        self._weights = bounded_share(fading, self._labels == 1, options.largest_share)
        self._scores = {name: rows[name].to_numpy(dtype=np.float64) for name in VERSIONS}

    def figure(self, version: str) -> float:
        """Measure a version on all rows."""
        return self._measure(version, self._labels, self._weights)

    def gain(self, of: NDArray[np.bool_] | None = None) -> Interval:
        """Give the interval of the challenger's gain; of some positives, ranked among all rows."""
        others = False if of is None else (self._labels == 1) & ~of
        weights = np.where(others, 0.0, self._weights)

        def difference(chosen: Rows) -> float:
            one, other = (
                self._metric(
                    self._labels[chosen],
                    self._scores[name][chosen],
                    weights[chosen],
                    self._options.capacity_share,
                )
                for name in VERSIONS
            )
            return other - one

        return paired_bootstrap(
            difference,
            self._rows["entity_id"].to_numpy(),
            n=self._options.resamples,
            seed=self._options.seed,
            level=self._options.level,
        )

    def chance(self) -> Condition:
        """Ask that no shuffle of the labels gives the challenger as good a figure.

        Ties count against the challenger, so the probability is exact. Rows count alike: the
        question is whether it knows anything, and heavy rows would only blur the answer.
        """
        shuffles = round(1 / self._options.chance) - 1
        generator = np.random.default_rng(self._options.seed)
        alike = np.ones_like(self._weights)
        figure = self._measure("challenger", self._labels, alike)
        as_good = sum(
            self._measure("challenger", generator.permutation(self._labels), alike) >= figure
            for _ in range(shuffles)
        )
        p_value = (1 + as_good) / (1 + shuffles)
        return Condition("beats_chance", as_good == 0, p_value, self._options.chance)

    def segments(self, segments: Mapping[str, Sequence[float]]) -> dict[str, dict[str, Any]]:
        """Give the gain of each segment that has enough positive users, null for the others."""
        found: dict[str, dict[str, Any]] = {}
        positive = self._rows["label"].eq(1)
        for column, edges in segments.items():
            named = segments_of(self._rows[column], edges)
            for segment in sorted(named.unique()):
                own = named.eq(segment)
                positives = int(self._rows.loc[own & positive, "entity_id"].nunique())
                gain = None
                if positives >= self._options.segment_positives:
                    gain = self.gain(own.to_numpy())._asdict()
                found[f"{column}: {segment}"] = {"positives": positives, "gain": gain}
        return found

    def calibration(self) -> Condition:
        """Ask that the challenger's probabilities promise about as truly as the champion's."""
        errors = {
            name: calibration_error(self._labels, self._scores[name], self._given)
            for name in VERSIONS
        }
        needed = errors["champion"] + self._options.calibration_rise
        measured = errors["challenger"]
        return Condition("calibration_holds", measured <= needed, measured, needed)

    def _measure(self, version: str, labels: Any, weights: Any) -> float:
        share = self._options.capacity_share
        return self._metric(labels, self._scores[version], weights, share)
