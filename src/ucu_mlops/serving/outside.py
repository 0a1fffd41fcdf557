"""Values beyond what training saw, and categories it never met: counted at the time of the request.

A day's drift is measured in batch; this tells within minutes that a caller sends nonsense.
"""

from collections.abc import Sequence
from typing import Any

from ucu_mlops.bundle.manifest import Manifest
from ucu_mlops.monitoring.reference import CATEGORIES
from ucu_mlops.serving.metrics import Counter


class Outside:
    """Compares rows with the reference that the bundle carries.

    Args:
        manifest: Of the version; without a reference nothing is counted.
        counter: By ``feature`` and ``what`` (``below``, ``above``, ``unseen``).
    """

    def __init__(self, manifest: Manifest, counter: Counter) -> None:
        profiles = manifest.reference.get("features", {})
        self._counter = counter
        self._ranges: list[tuple[int, str, float, float]] = []
        self._known: list[tuple[int, str, frozenset[str]]] = []
        for place, spec in enumerate(manifest.features):
            profile = profiles.get(spec.name, {})
            edges, words = profile.get("edges"), profile.get("categories")
            if edges:
                self._ranges.append((place, spec.name, edges[0], edges[-1]))
            # The reference names the most frequent only: with so many, one may merely be rare.
            if words and len(words) < CATEGORIES:
                self._known.append((place, spec.name, frozenset(map(str.lower, words))))

    def count(self, rows: Sequence[Sequence[Any]]) -> None:
        """Count what lies outside, row by row.

        Args:
            rows: Values in the order of the model's features.
        """
        for row in rows:
            for place, name, low, high in self._ranges:
                value = row[place]
                if value is None or low <= value <= high or value != value:  # noqa: PLR0124 (NaN)
                    continue
                self._counter.add(name, "below" if value < low else "above")
            for place, name, words in self._known:
                if (value := row[place]) is not None and str(value).lower() not in words:
                    self._counter.add(name, "unseen")
