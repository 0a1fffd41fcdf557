"""Counters and histograms for Prometheus, cheap enough to count every request.

Text format 0.0.4. Only the event loop counts: nothing is locked.
"""

import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

PREFIX = "ucu_serving_"
SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


@dataclass
class Counter:
    """Counts by label values.

    Attributes:
        name: Without the prefix.
        help: In words.
        labels: Names of the labels.
    """

    name: str
    help: str
    labels: tuple[str, ...] = ()
    values: dict[tuple[str, ...], float] = field(default_factory=dict)

    def add(self, *labels: str, by: float = 1.0) -> None:
        """Count once, or ``by``."""
        self.values[labels] = self.values.get(labels, 0.0) + by

    def lines(self) -> list[str]:
        """Write what was counted."""
        return [
            f"# HELP {PREFIX}{self.name} {self.help}",
            f"# TYPE {PREFIX}{self.name} counter",
            *(
                f"{PREFIX}{self.name}{_labels(self.labels, key)} {value:g}"
                for key, value in sorted(self.values.items())
            ),
        ]


@dataclass
class Gauge:
    """A value that is asked for when it is read.

    Attributes:
        name: Without the prefix.
        help: In words.
        labels: Names of the labels.
        read: Gives the values by label values.
    """

    name: str
    help: str
    labels: tuple[str, ...] = ()
    read: Callable[[], dict[tuple[str, ...], float]] = dict

    def lines(self) -> list[str]:
        """Write the values of now."""
        return [
            f"# HELP {PREFIX}{self.name} {self.help}",
            f"# TYPE {PREFIX}{self.name} gauge",
            *(
                f"{PREFIX}{self.name}{_labels(self.labels, key)} {value:g}"
                for key, value in sorted(self.read().items())
            ),
        ]


@dataclass
class Histogram:
    """How values are distributed, by one label's values.

    Attributes:
        name: Without the prefix.
        help: In words.
        label: Name of the label.
        bounds: Ascending upper bounds of the buckets.
    """

    name: str
    help: str
    label: str
    bounds: Sequence[float]
    counts: dict[str, list[int]] = field(default_factory=dict)
    sums: dict[str, float] = field(default_factory=dict)

    def observe(self, label: str, value: float) -> None:
        """Count one value."""
        if label not in self.counts:
            self.counts[label] = [0] * (len(self.bounds) + 1)
            self.sums[label] = 0.0
        self.counts[label][bisect_left(self.bounds, value)] += 1
        self.sums[label] += value

    def lines(self) -> list[str]:
        """Write what was counted, cumulative as Prometheus wants it."""
        full = PREFIX + self.name
        lines = [f"# HELP {full} {self.help}", f"# TYPE {full} histogram"]
        names = (self.label, "le")
        for label, counts in sorted(self.counts.items()):
            total = 0
            for bound, count in zip([*self.bounds, float("inf")], counts, strict=True):
                total += count
                spelled = "+Inf" if bound == float("inf") else f"{bound:g}"
                lines.append(f"{full}_bucket{_labels(names, (label, spelled))} {total}")
            own = _labels((self.label,), (label,))
            lines += [f"{full}_sum{own} {self.sums[label]:.9g}", f"{full}_count{own} {total}"]
        return lines


class Metrics:
    """All that the server counts."""

    def __init__(self) -> None:
        self.requests = Counter("requests_total", "Answered requests.", ("route", "status"))
        self.stages = Histogram(
            "stage_seconds", "Seconds per stage of a request.", "stage", SECONDS
        )
        self.batches = Histogram("batch_size", "Instances per call of a model.", "model", SIZES)
        self.decisions = Counter(
            "decisions_total", "Answers by label and decision.", ("version", "label", "decision")
        )
        self.dropped = Counter("dropped_total", "Work that was dropped.", ("why",))
        self.swaps = Counter("swaps_total", "Changes of version.", ("outcome",))
        self.outside = Counter(
            "feature_outside_total",
            "Values beyond what training saw, and unseen categories.",
            ("feature", "what"),
        )
        self.lookups = Counter("feature_lookups_total", "Users looked up.", ("outcome",))
        self.variants = Counter(
            "experiment_answers_total",
            "Answers of experiments' variants; fallback: the champion's instead.",
            ("experiment", "variant", "outcome"),
        )
        self.gauges: list[Gauge] = []

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Count how long a stage takes, however it ends."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.stages.observe(stage, time.perf_counter() - started)

    def text(self) -> str:
        """Write everything in Prometheus' text format."""
        counted: list[Counter | Histogram | Gauge] = [self.requests, self.stages, self.batches]
        counted += [self.decisions, self.dropped, self.swaps, self.outside]
        counted += [self.lookups, self.variants, *self.gauges]
        return "\n".join(line for each in counted for line in each.lines()) + "\n"


def _labels(names: Sequence[str], values: Sequence[str]) -> str:
    if not names:
        return ""
    pairs = zip(names, values, strict=True)
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in pairs) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
