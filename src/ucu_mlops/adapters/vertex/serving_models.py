"""Versions of a model as Vertex AI serves them: a server's image and a bundle, put together once.

The registry's own versions name no image that could serve them, and an image cannot be changed, so
what is served is a model beside them, ``MODEL-serving``, with a version for each pair.
"""

import hashlib
import json
from typing import Any

from google.api_core import exceptions as google_errors

from ucu_mlops.adapters.vertex.endpoint_options import EndpointOptions
from ucu_mlops.adapters.vertex_client import Vertex
from ucu_mlops.adapters.vertex_mlflow.names import model_id
from ucu_mlops.errors import ConfigurationError

VERSION, CONTENT = "ucu-version", "ucu-content"  # labels: the ledger's version; hash of all it says
PORT, PREDICT, READY = 8080, "/predict", "/health/ready"
PAGE = 100


class ServingModels:
    """What is served of one model.

    Args:
        vertex: Where.
        model: The model's name.

    Attributes:
        id: The ID of the model beside the registry's.
    """

    def __init__(self, vertex: Vertex, model: str) -> None:
        self._vertex, self._model = vertex, model
        self.id = model_id(f"{model}-serving")

    def make(self, version: str, source: str, options: EndpointOptions) -> str:
        """Find the version of Vertex AI that serves a bundle, or make it.

        Args:
            version: The ledger's version.
            source: The bundle's folder in Cloud Storage.
            options: The image that serves it.

        Returns:
            Its name, ``projects/…/models/MODEL-serving@NUMBER``.

        Raises:
            ConfigurationError: The bundle is not in Cloud Storage.
        """
        if not source.startswith("gs://"):
            raise ConfigurationError(
                f"version {version} of {self._model} lies at {source}; Vertex AI serves from Cloud"
                " Storage only: set artifacts in conf/*/globals.yml to gs://… and train it again"
            )
        asked = self._asked(version, source, options)
        content = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:32]
        asked["labels"][CONTENT] = content

        def made() -> str | None:
            own = [each for each in self._all() if each.labels.get(CONTENT) == content]
            return min((each.version_id for each in own), key=int, default=None)

        def make() -> None:
            which = {"parent_model": self._name} if self._all() else {"model_id": self.id}
            upload, parent = self._vertex.models.upload_model, self._vertex.parent
            self._vertex.finish(
                self._vertex.ask(upload, once=True, parent=parent, model=asked, **which)
            )

        return f"{self._name}@{self._vertex.see_to(made, make)}"

    def versions(self) -> dict[str, str]:
        """Return the ledger's version of each version of Vertex AI."""
        return {each.version_id: each.labels.get(VERSION, "") for each in self._all()}

    def _asked(self, version: str, source: str, options: EndpointOptions) -> dict[str, Any]:
        return {
            "display_name": f"{self._model} serving",
            "version_description": f"version {version} of {self._model}",
            "labels": {VERSION: version},
            "artifact_uri": source,
            "container_spec": {
                "image_uri": options.image,
                "args": [f"--model={self._model}"],
                # Vertex AI serves a copy of the folder, whose name says nothing.
                "env": [{"name": "UCU_VERSION", "value": version}],
                "ports": [{"container_port": PORT}],
                "predict_route": PREDICT,
                "health_route": READY,
            },
        }

    @property
    def _name(self) -> str:
        return f"{self._vertex.parent}/models/{self.id}"

    def _all(self) -> list[Any]:
        try:
            listed = self._vertex.models.list_model_versions
            return list(self._vertex.ask(listed, name=self._name, page_size=PAGE))
        except google_errors.NotFound:
            return []
