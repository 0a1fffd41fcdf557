"""MLflow 3's logged models as artifacts of the type ``system.Model``."""

import time
import uuid
from collections.abc import Sequence
from typing import Any

from mlflow.entities import (
    Experiment,
    LifecycleStage,
    LoggedModel,
    LoggedModelParameter,
    LoggedModelStatus,
    LoggedModelTag,
    Metric,
)
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST
from mlflow.utils.uri import append_to_uri_path

from ucu_mlops.adapters.vertex_client import Vertex
from ucu_mlops.adapters.vertex_mlflow.nodes import Document, Node, Nodes, with_document, written
from ucu_mlops.adapters.vertex_mlflow.outbox import Change, Outbox, Waiting


class LoggedModels:
    """Logged models of one project and location.

    Args:
        vertex: Where they are.
        outbox: Metrics of models wait there, as those of runs do.
    """

    def __init__(self, vertex: Vertex, outbox: Outbox) -> None:
        self._nodes = Nodes(vertex, "artifact", "system.Model")
        self._outbox = outbox

    def create(
        self,
        experiment: Experiment,
        name: str,
        run_id: str | None,
        tags: Sequence[LoggedModelTag],
        params: Sequence[LoggedModelParameter],
        kind: str | None,
    ) -> LoggedModel:
        """Make a model whose files are still to come."""
        model_id = f"m-{uuid.uuid4().hex}"
        now = _now_ms()
        place = append_to_uri_path(experiment.artifact_location, "models", model_id, "artifacts")
        document = {
            "experiment_id": experiment.experiment_id,
            "name": name,
            "artifact_location": place,
            "creation_timestamp": now,
            "last_updated_timestamp": now,
            "model_type": kind,
            "source_run_id": run_id,
            "status": LoggedModelStatus.PENDING.to_int(),
            "tags": {tag.key: tag.value for tag in tags},
            "params": {param.key: param.value for param in params},
            "metrics": [],
            "stage": LifecycleStage.ACTIVE,
        }
        metadata = written(document, experiment=experiment.experiment_id)
        self._nodes.create(Node(model_id, name, metadata, uri=place))
        return self.get(model_id)

    def get(self, model_id: str, *, deleted_too: bool = False) -> LoggedModel:
        """Return a model.

        Raises:
            MlflowException: There is none.
        """
        waiting = self._outbox.of(model_id)
        node = self._nodes.find(model_id) if waiting is None else waiting.write()
        if node is None or not (deleted_too or _is_active(node)):
            raise _missing(model_id)
        return _read(node)

    def of(self, experiment_id: str) -> list[LoggedModel]:
        """Return an experiment's models that are not deleted."""
        self._outbox.flush()
        condition = f'metadata.experiment.string_value="{experiment_id}"'
        return [_read(node) for node in self._nodes.list(condition) if _is_active(node)]

    def change(self, model_id: str, change: Change) -> LoggedModel:
        """Change a model's document now.

        Raises:
            MlflowException: There is none.
        """
        self.get(model_id)

        def changed(node: Node) -> Node:
            return _apply(node, [change])

        done = self._nodes.change(model_id, changed)
        if done is None:
            raise _missing(model_id)
        self._outbox.forget(model_id)
        return _read(done)

    def log(self, model_id: str, run_id: str, metrics: Sequence[Metric]) -> None:
        """Let points of a model wait to be written."""
        waiting = self._outbox.of(model_id)
        if waiting is None:
            node = self._nodes.find(model_id)
            if node is None:
                raise _missing(model_id)
            waiting = self._outbox.keep(Waiting(self._nodes, node, _apply))
        rows = [
            [
                *(each.key, float(each.value), int(each.timestamp), int(each.step)),
                *(run_id, each.dataset_name, each.dataset_digest),
            ]
            for each in metrics
        ]

        def logged(document: Document) -> None:
            for row in rows:
                if row not in document["metrics"]:
                    document["metrics"].append(row)

        self._outbox.post(waiting, logged)


def _apply(node: Node, changes: Sequence[Change]) -> Node:
    document = node.document
    for change in changes:
        change(document)
    document["last_updated_timestamp"] = _now_ms()
    return with_document(node, document)


def _is_active(node: Node) -> bool:
    return bool(node.document.get("stage") == LifecycleStage.ACTIVE)


def _read(node: Node) -> LoggedModel:
    document = node.document
    del document["stage"]
    metrics = [_metric(node.id, row) for row in document.pop("metrics")]
    return LoggedModel(model_id=node.id, metrics=metrics, **document)


def _metric(model_id: str, row: Sequence[Any]) -> Metric:
    key, value, timestamp, step, run_id, dataset, digest = row
    return Metric(key, value, timestamp, step, model_id, dataset, digest, run_id)


def _missing(model_id: str) -> MlflowException:
    return MlflowException(f"Logged model with ID '{model_id}' not found.", RESOURCE_DOES_NOT_EXIST)


def _now_ms() -> int:
    return int(time.time() * 1000)
