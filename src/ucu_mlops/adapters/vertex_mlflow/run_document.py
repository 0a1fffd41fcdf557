"""A run as it lies in the metadata of an ExperimentRun.

``_params``, ``_metrics`` (the latest of each, if finite) and ``_state`` are what Google's own
Experiments read; the document beside them holds the rest. Points that no longer fit are moved to
pages: artifacts that are never changed.
"""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mlflow.entities import (
    LifecycleStage,
    LoggedModelInput,
    LoggedModelOutput,
    Metric,
    Param,
    RunStatus,
    RunTag,
)

from ucu_mlops.adapters.vertex_mlflow.nodes import Document, Node, with_document

# Metadata holds 200 KB; params are in it once more than in the document's text.
FULL_BYTES = 60_000  # of points in the run itself
PAGE_BYTES = 120_000  # of points in a page

STATES = {"RUNNING": "RUNNING", "SCHEDULED": "NEW", "FINISHED": "COMPLETE", "FAILED": "FAILED"}
STATES["KILLED"] = "CANCELLED"
STATUSES = {state: status for status, state in STATES.items()}

# A point: name, step, time in milliseconds since 1970 (UTC), value.
Point = list[Any]


@dataclass
class RunDocument:
    """A run's content.

    Attributes:
        info: ``name``, ``user``, ``start``, ``end``, ``stage``, ``artifacts``, ``experiment``.
        state: As Vertex AI calls it.
        params: By name.
        tags: By name.
        latest: The last point of each metric, without its name.
        points: Points that are not in pages.
        pages: IDs of the artifacts with the older points.
        datasets: ID of the dataset's artifact, and its tags in this run.
        inputs: IDs of logged models that the run used.
        outputs: Of logged models that it made: the ID and the step.
    """

    info: Document
    state: str = "RUNNING"
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    latest: dict[str, Point] = field(default_factory=dict)
    points: list[Point] = field(default_factory=list)
    pages: list[str] = field(default_factory=list)
    datasets: dict[str, dict[str, str]] = field(default_factory=dict)
    inputs: list[str] = field(default_factory=list)
    outputs: dict[str, int] = field(default_factory=dict)

    @property
    def is_active(self) -> bool:
        """Whether it is not deleted."""
        return bool(self.info.get("stage", LifecycleStage.ACTIVE) == LifecycleStage.ACTIVE)

    @property
    def status(self) -> str:
        """Its state in MLflow's words."""
        return STATUSES.get(self.state, "RUNNING")

    def metric(self, metric: Metric) -> None:
        """Add a point; the same point twice is one."""
        point = [metric.key, int(metric.step), int(metric.timestamp), float(metric.value)]
        self.points.append(point)
        last = self.latest.get(metric.key)
        if last is None or _order(point[1:]) > _order(last):
            self.latest[metric.key] = point[1:]

    def param(self, param: Param) -> None:
        """Set a param that was not set."""
        self.params.setdefault(param.key, str(param.value))

    def tag(self, tag: RunTag) -> None:
        """Set a tag; the run's name is one."""
        self.tags[tag.key] = str(tag.value)
        if tag.key == "mlflow.runName":
            self.info["name"] = str(tag.value)

    def input(self, model: LoggedModelInput) -> None:
        """Note a logged model that the run uses."""
        if model.model_id not in self.inputs:
            self.inputs.append(model.model_id)

    def output(self, model: LoggedModelOutput) -> None:
        """Note a logged model that the run made."""
        self.outputs[model.model_id] = model.step

    def finish(self, status: int | None, end: int | None, name: str | None) -> None:
        """Set status, end and name, each if it is given."""
        if status is not None:
            self.state = STATES[RunStatus.to_string(status)]
        if end is not None:
            self.info["end"] = end
        if name:
            self.tag(RunTag("mlflow.runName", name))


def read_run(node: Node) -> RunDocument:
    """Read a run; one that Google's own SDK made has no document, but all that it logged."""
    document = node.document
    info = document.pop("info", {"name": node.title, "start": node.updated_ms})
    info.setdefault("experiment", node.parents[0] if node.parents else "")
    latest = document.pop("latest", None)
    metrics = node.metadata.get("_metrics") or {}
    if latest is None:
        latest = {
            key: [0, node.updated_ms, value]
            for key, value in metrics.items()
            if isinstance(value, float)
        }
    return RunDocument(
        info=info,
        state=str(node.metadata.get("_state", "RUNNING")),
        params={key: str(value) for key, value in (node.metadata.get("_params") or {}).items()},
        latest=latest,
        **document,
    )


def write_run(node: Node, run: RunDocument) -> Node:
    """Return the node that holds a run."""
    document = {
        "info": run.info,
        "tags": run.tags,
        "latest": run.latest,
        "points": distinct(run.points),
        "pages": run.pages,
        "datasets": run.datasets,
        "inputs": run.inputs,
        "outputs": run.outputs,
    }
    figures = {key: last[-1] for key, last in run.latest.items() if math.isfinite(last[-1])}
    beside = {"_params": run.params, "_metrics": figures, "_state": run.state}
    title = str(run.info.get("name") or node.id)
    return with_document(replace(node, title=title), document, **beside)


def distinct(points: Sequence[Point]) -> list[Point]:
    """Return points without those that are there already, in the order in which they came."""
    return list({repr(point): point for point in points}.values())


def cut_pages(run: RunDocument) -> list[tuple[str, list[Point]]]:
    """Move a run's points to pages if they have become too many to lie in it.

    Returns:
        Suffix of the ID (the content's hash, so that writing again makes no second page) and
        points of each page; the run names the pages by suffix.
    """
    if _size(run.points) <= FULL_BYTES:
        return []
    pages: list[tuple[str, list[Point]]] = []
    page: list[Point] = []
    size = 0
    for point in distinct(run.points):
        page.append(point)
        size += _size(point)
        if size > PAGE_BYTES:
            pages.append((_hash(page), page))
            page, size = [], 0
    if page:
        pages.append((_hash(page), page))
    run.points = []
    run.pages += [suffix for suffix, _ in pages if suffix not in run.pages]
    return pages


def history(points: Sequence[Point], name: str) -> list[Metric]:
    """Return a metric's points in MLflow's order: by time, step, value."""
    own = [point for point in distinct(points) if point[0] == name]
    own.sort(key=lambda point: (point[2], point[1], *_value(point[3])))
    return [as_metric(name, point[1:]) for point in own]


def as_metric(name: str, last: Point) -> Metric:
    """Return MLflow's metric of step, time and value."""
    step, timestamp, value = last
    return Metric(key=name, value=float(value), timestamp=int(timestamp), step=int(step))


def _order(last: Point) -> tuple[Any, ...]:
    step, timestamp, value = last
    return step, timestamp, *_value(value)


def _value(value: float) -> tuple[float, bool]:
    # As MLflow's SQL store, which keeps what is no number as 0 with a mark.
    return (0.0, True) if math.isnan(value) else (value, False)


def _size(content: Any) -> int:
    return len(json.dumps(content, separators=(",", ":")))


def _hash(page: list[Point]) -> str:
    return hashlib.sha256(json.dumps(page).encode()).hexdigest()[:16]
