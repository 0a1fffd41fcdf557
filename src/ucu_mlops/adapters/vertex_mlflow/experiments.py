"""MLflow's experiments as contexts of the type ``system.Experiment``."""

import time
import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from mlflow.entities import Experiment, ExperimentTag, LifecycleStage
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import (
    INVALID_PARAMETER_VALUE,
    RESOURCE_ALREADY_EXISTS,
    RESOURCE_DOES_NOT_EXIST,
)
from mlflow.utils.uri import append_to_uri_path, resolve_uri_if_local

from ucu_mlops.adapters.vertex_client import Vertex
from ucu_mlops.adapters.vertex_mlflow.names import node_id
from ucu_mlops.adapters.vertex_mlflow.nodes import Document, Node, Nodes, with_document, written

# MLflow logs into "0" whatever is given no experiment; an ID in metadata has 4 characters or more.
DEFAULT_ID, DEFAULT_NODE, DEFAULT_NAME = "0", "mlflow-default", "Default"
SAME_NAMES = 10  # IDs that are tried for names that look alike


class Experiments:
    """Experiments of one project and location.

    Args:
        vertex: Where they are.
        artifacts: Where those without a location of their own put artifacts.
    """

    def __init__(self, vertex: Vertex, artifacts: str | None) -> None:
        self._nodes = Nodes(vertex, "context", "system.Experiment")
        self._artifacts = artifacts

    def all(self) -> list[Experiment]:
        """Return all of them, deleted ones too."""
        return [_read(node) for node in self._nodes.list("")]

    def get(self, experiment_id: str) -> Experiment:
        """Return an experiment; the default one is made when it is first asked for.

        Raises:
            MlflowException: There is none of this ID.
        """
        found = self._nodes.find(as_node(experiment_id))
        if found is None and experiment_id == DEFAULT_ID:
            self._create(DEFAULT_NODE, DEFAULT_NAME, None, [])
            found = self._nodes.find(DEFAULT_NODE)
        if found is None:
            raise _missing(experiment_id)
        return _read(found)

    def named(self, name: str) -> Experiment | None:
        """Return the experiment of this name, None if there is none."""
        if name == DEFAULT_NAME:
            return self.get(DEFAULT_ID)
        found = self._nodes.find(node_id(name))
        if found is not None and (experiment := _read(found)).name == name:
            return experiment
        # It was renamed, or names that look alike share the first ID.
        return next((each for each in self.all() if each.name == name), None)

    def create(self, name: str, place: str | None, tags: Sequence[ExperimentTag]) -> str:
        """Make an experiment and return its ID.

        Raises:
            MlflowException: There is one of this name, or it has no place for artifacts.
        """
        if self.named(name) is not None:
            raise _taken(name)
        for attempt in range(SAME_NAMES):
            chosen = node_id(name, attempt)
            if self._create(chosen, name, place, tags):
                return chosen
            # Somebody else was faster, or this ID belongs to a name that looks alike.
            if self.named(name) is not None:
                raise _taken(name)
        raise MlflowException(f"no ID is left for experiment {name!r}", RESOURCE_ALREADY_EXISTS)

    def move(self, experiment_id: str, stage: str) -> None:
        """Delete or restore it.

        Raises:
            MlflowException: There is none in the other state.
        """
        if self.get(experiment_id).lifecycle_stage == stage:
            raise _missing(experiment_id)
        self._change(experiment_id, {"stage": stage})

    def rename(self, experiment_id: str, name: str) -> None:
        """Give it another name.

        Raises:
            MlflowException: It is deleted, or the name is taken.
        """
        self.active(experiment_id)
        if self.named(name) is not None:
            raise _taken(name)
        self._change(experiment_id, {"name": name})

    def tag(self, experiment_id: str, key: str, value: str | None) -> None:
        """Set a tag, or remove it where the value is None.

        Raises:
            MlflowException: The experiment is deleted, or there is no such tag to remove.
        """
        if value is None and key not in self.active(experiment_id).tags:
            raise MlflowException(
                f"No tag with name: {key} in experiment with id {experiment_id}",
                RESOURCE_DOES_NOT_EXIST,
            )
        self.active(experiment_id)
        self._change(experiment_id, {"tag": (key, value)})

    def active(self, experiment_id: str) -> Experiment:
        """Return it.

        Raises:
            MlflowException: It is deleted, or there is none.
        """
        found = self.get(experiment_id)
        if found.lifecycle_stage != LifecycleStage.ACTIVE:
            raise MlflowException(
                f"The experiment {experiment_id} must be in the 'active' state. "
                f"Current state is {found.lifecycle_stage}.",
                INVALID_PARAMETER_VALUE,
            )
        return found

    def _create(
        self, chosen: str, name: str, place: str | None, tags: Sequence[ExperimentTag]
    ) -> bool:
        now = _now_ms()
        document = {
            "name": name,
            "artifacts": self._place(chosen, name, place),
            "stage": LifecycleStage.ACTIVE,
            "created": now,
            "updated": now,
            "tags": {tag.key: tag.value for tag in tags},
            "made_by": uuid.uuid4().hex,
        }
        return self._nodes.create(Node(chosen, name, _metadata(document)))

    def _place(self, chosen: str, name: str, place: str | None) -> str:
        if place:
            return str(resolve_uri_if_local(place))
        if self._artifacts is None:
            raise MlflowException(
                f"experiment {name!r} has no place for artifacts; give it artifact_location, or"
                " all of them one: vertexai://PROJECT/LOCATION?artifacts=gs://BUCKET/FOLDER",
                INVALID_PARAMETER_VALUE,
            )
        return str(append_to_uri_path(resolve_uri_if_local(self._artifacts), chosen))

    def _change(self, experiment_id: str, what: Document) -> None:
        def changed(node: Node) -> Node:
            document = {**_defaults(node), **node.document, "updated": _now_ms()}
            if "tag" in what:
                key, value = what["tag"]
                kept = {k: v for k, v in document["tags"].items() if k != key}
                document["tags"] = kept if value is None else {**kept, key: value}
            else:
                document |= what
            gone = document["stage"] == LifecycleStage.DELETED
            titled = replace(node, title=document["name"])
            return with_document(titled, document, experiment_deleted=gone)

        if self._nodes.change(as_node(experiment_id), changed) is None:
            raise _missing(experiment_id)


def as_node(experiment_id: str) -> str:
    """Return the ID that an experiment has in metadata."""
    return DEFAULT_NODE if experiment_id == DEFAULT_ID else experiment_id


def as_experiment(node: str) -> str:
    """Return the ID that MLflow knows a context by."""
    return DEFAULT_ID if node == DEFAULT_NODE else node


def _metadata(document: Document) -> dict[str, Any]:
    # What the console of Google Cloud looks at, and its SDK writes.
    return written(document, experiment_deleted=document["stage"] == LifecycleStage.DELETED)


def _defaults(node: Node) -> Document:
    """Return what Google's SDK does not write into the experiments that it makes."""
    return {
        "name": node.title or node.id,
        "artifacts": "",
        "stage": LifecycleStage.ACTIVE,
        "created": node.updated_ms,
        "updated": node.updated_ms,
        "tags": {},
    }


def _read(node: Node) -> Experiment:
    document = {**_defaults(node), **node.document}
    return Experiment(
        experiment_id=as_experiment(node.id),
        name=document["name"],
        artifact_location=document["artifacts"],
        lifecycle_stage=document["stage"],
        tags=[ExperimentTag(key, value) for key, value in document["tags"].items()],
        creation_time=document["created"],
        last_update_time=document["updated"],
    )


def _missing(experiment_id: str) -> MlflowException:
    return MlflowException(f"No Experiment with id={experiment_id} exists", RESOURCE_DOES_NOT_EXIST)


def _taken(name: str) -> MlflowException:
    return MlflowException(f"Experiment(name={name}) already exists.", RESOURCE_ALREADY_EXISTS)


def _now_ms() -> int:
    return int(time.time() * 1000)
