"""What MLflow knows of registered models and Vertex AI's Model Registry has no place for.

Artifacts of the type ``system.Artifact`` in metadata: one per registered model (it may have no
versions yet), one per version.
"""

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from mlflow.entities.model_registry import ModelVersion, ModelVersionTag
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_ALREADY_EXISTS, RESOURCE_DOES_NOT_EXIST

from ucu_mlops.adapters.vertex_client import Vertex
from ucu_mlops.adapters.vertex_mlflow.names import model_id, node_id
from ucu_mlops.adapters.vertex_mlflow.nodes import Document, Node, Nodes, with_document, written

MODELS, VERSIONS = "registered-model", "model-version"
SAME_NAMES = 10  # IDs that are tried for names that look alike


@dataclass(frozen=True)
class Registered:
    """A registered model.

    Attributes:
        id: Of its artifact.
        document: ``name``, ``description``, ``tags``, ``created``, ``updated``, ``vertex`` (the
            model's ID in the Model Registry), ``aliases`` that Vertex AI cannot hold.
    """

    id: str
    document: Document


class RegistryDocuments:
    """Documents of registered models and of their versions.

    Args:
        vertex: Where they are.
    """

    def __init__(self, vertex: Vertex) -> None:
        self._nodes = Nodes(vertex, "artifact", "system.Artifact")

    def create(self, name: str, description: str | None, tags: Mapping[str, str]) -> Registered:
        """Make a registered model.

        Raises:
            MlflowException: There is one of this name.
        """
        if self.find(name) is not None:
            raise taken(name)
        for attempt in range(SAME_NAMES):
            now = now_ms()
            document = {
                "name": name,
                "description": description,
                "tags": dict(tags),
                "created": now,
                "updated": now,
                "vertex": model_id(name, attempt),
                "aliases": {},
                "made_by": uuid.uuid4().hex,
            }
            made = Registered(f"registered-{node_id(name, attempt)}", document)
            if self._nodes.create(Node(made.id, name, written(document, kind=MODELS))):
                return made
            # Somebody else was faster, or this ID belongs to a name that looks alike.
            if self.find(name) is not None:
                raise taken(name)
        raise MlflowException(f"no ID is left for model {name!r}", RESOURCE_ALREADY_EXISTS)

    def find(self, name: str) -> Registered | None:
        """Return the registered model of this name, None if there is none."""
        found = self._nodes.find(f"registered-{node_id(name)}")
        if found is not None and found.document["name"] == name:
            return Registered(found.id, found.document)
        # It was renamed, or names that look alike share the first ID.
        return next((each for each in self.all() if each.document["name"] == name), None)

    def get(self, name: str) -> Registered:
        """Return the registered model of this name.

        Raises:
            MlflowException: There is none.
        """
        found = self.find(name)
        if found is None:
            raise MlflowException(
                f"Registered Model with name={name} not found", RESOURCE_DOES_NOT_EXIST
            )
        return found

    def all(self) -> list[Registered]:
        """Return all registered models."""
        nodes = self._nodes.list(f'metadata.kind.string_value="{MODELS}"')
        return [Registered(node.id, node.document) for node in nodes]

    def change(self, model: Registered, how: Callable[[Document], None]) -> Registered:
        """Change a registered model."""

        def changed(node: Node) -> Node:
            document = node.document
            how(document)
            document["updated"] = now_ms()
            return with_document(replace(node, title=document["name"]), document)

        done = self._nodes.change(model.id, changed)
        if done is None:
            raise MlflowException(f"{model.id} was deleted", RESOURCE_DOES_NOT_EXIST)
        return Registered(done.id, done.document)

    def delete(self, model: Registered) -> None:
        """Delete what is known of a model: first its versions, so that nothing stays behind."""
        for node in self._versions(model):
            self._nodes.delete(node.id)
        self._nodes.delete(model.id)

    def add_version(self, model: Registered, number: str, document: Document) -> None:
        """Write down a version."""
        metadata = written(document, kind=VERSIONS, model=model.id)
        self._nodes.create(Node(f"{model.id}-v{number}", model.document["name"], metadata))

    def versions(self, model: Registered) -> dict[str, Document]:
        """Return a model's versions that are not deleted, by number."""
        found = {node.id.rpartition("-v")[2]: node.document for node in self._versions(model)}
        return {
            number: found[number] for number in sorted(found, key=int) if not found[number]["gone"]
        }

    def every_version(self) -> dict[str, dict[str, Document]]:
        """Return all versions that are not deleted: by the model's ID, by number."""
        found: dict[str, dict[str, Document]] = {}
        for node in self._nodes.list(f'metadata.kind.string_value="{VERSIONS}"'):
            model, _, number = node.id.rpartition("-v")
            if not node.document["gone"]:
                found.setdefault(model, {})[number] = node.document
        return found

    def version(self, model: Registered, number: str) -> Document:
        """Return a version.

        Raises:
            MlflowException: There is none of this number.
        """
        found = self._nodes.find(f"{model.id}-v{number}")
        if found is None or found.document["gone"]:
            raise no_version(model.document["name"], number)
        return found.document

    def change_version(
        self, model: Registered, number: str, how: Callable[[Document], None]
    ) -> Document:
        """Change a version.

        Raises:
            MlflowException: There is none of this number.
        """
        self.version(model, number)

        def changed(node: Node) -> Node:
            document = node.document
            how(document)
            return with_document(node, document)

        done = self._nodes.change(f"{model.id}-v{number}", changed)
        if done is None:
            raise no_version(model.document["name"], number)
        return done.document

    def _versions(self, model: Registered) -> list[Node]:
        condition = f'metadata.model.string_value="{model.id}"'
        return self._nodes.list(condition)


def as_version(name: str, number: str, document: Document, aliases: list[str]) -> ModelVersion:
    """Return MLflow's version of a document."""
    kept: dict[str, Any] = {
        field: document[field]
        for field in ("description", "source", "run_id", "run_link", "model_id", "current_stage")
    }
    kept["version"] = int(number)  # as MLflow's SQL store gives it
    return ModelVersion(
        name=name,
        creation_timestamp=document["created"],
        last_updated_timestamp=document["updated"],
        tags=[ModelVersionTag(key, value) for key, value in document["tags"].items()],
        aliases=aliases,
        **kept,
    )


def taken(name: str) -> MlflowException:
    """Return what says that a name is taken."""
    return MlflowException(
        f"Registered Model (name={name}) already exists.", RESOURCE_ALREADY_EXISTS
    )


def no_version(name: str, number: str) -> MlflowException:
    """Return what says that there is no such version."""
    return MlflowException(
        f"Model Version (name={name}, version={number}) not found", RESOURCE_DOES_NOT_EXIST
    )


def now_ms() -> int:
    """Return milliseconds since 1970, UTC."""
    return int(time.time() * 1000)
