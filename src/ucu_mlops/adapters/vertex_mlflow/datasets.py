"""Data sets that runs used, as artifacts of the type ``system.Dataset``; they never change."""

import hashlib
import json

from google.api_core import exceptions as google_errors
from mlflow.entities import Dataset

from ucu_mlops.adapters.vertex_client import Vertex
from ucu_mlops.adapters.vertex_mlflow.nodes import Node, Nodes, written

LONGEST = 150_000  # characters of a document; metadata holds 200 KB
FIELDS = ("name", "digest", "source_type", "source", "schema", "profile")


class Datasets:
    """Data sets of one project and location.

    Args:
        vertex: Where they are.
    """

    def __init__(self, vertex: Vertex) -> None:
        self._nodes = Nodes(vertex, "artifact", "system.Dataset")
        self._known: dict[str, Dataset] = {}

    def keep(self, dataset: Dataset) -> str:
        """Write a data set down and return its ID; the same content has the same."""
        content = {field: getattr(dataset, field) for field in FIELDS}
        # What is longest is least needed: which data it was, name and digest say.
        for field in ("profile", "schema"):
            if len(json.dumps(content)) > LONGEST:
                content[field] = None
        text = json.dumps(content, sort_keys=True)
        node_id = f"dataset-{hashlib.sha256(text.encode()).hexdigest()[:40]}"
        self._nodes.create(Node(node_id, dataset.name, written(content)))
        self._known[node_id] = Dataset(**content)
        return node_id

    def get(self, node_id: str) -> Dataset:
        """Return a data set."""
        if node_id not in self._known:
            found = self._nodes.find(node_id)
            if found is None:
                raise google_errors.NotFound(f"{self._nodes.name(node_id)} was deleted")
            self._known[node_id] = Dataset(**found.document)
        return self._known[node_id]

    def name(self, node_id: str) -> str:
        """Return the artifact's whole name."""
        return self._nodes.name(node_id)
