"""Versions of models in Vertex AI's Model Registry, and their aliases.

Uploading or merging twice is not the same as once, so after a failure it is looked up what
happened before anything is tried again.
"""

import uuid
from collections.abc import Mapping
from typing import Any

from google.api_core import exceptions as google_errors

from ucu_mlops.adapters.vertex_client import Vertex

# Custom models need one (googleapis/python-aiplatform issue 2034); nothing is deployed by it.
IMAGE = "us-docker.pkg.dev/vertex-ai/prediction/sklearn-cpu.1-5:latest"
UPLOAD = "mlflow-upload"  # label: which call made this version
DEFAULT = "default"  # Vertex AI's own alias; each model has it once
PAGE = 100


class Versions:
    """Models and versions of one project and location.

    Args:
        vertex: Where they are.
    """

    def __init__(self, vertex: Vertex) -> None:
        self._vertex = vertex

    def upload(
        self, model: str, title: str, description: str, labels: Mapping[str, str], source: str
    ) -> str:
        """Make a version, the model's first too, and return its number.

        Args:
            model: The model's ID.
            title: The model's name for people.
            description: The version's.
            labels: The version's.
            source: Where its files are; told to Vertex AI if they are in Cloud Storage.
        """
        mark = uuid.uuid4().hex
        asked = {
            "display_name": title[:128],
            "version_description": description,
            "labels": {**labels, UPLOAD: mark},
            "container_spec": {"image_uri": IMAGE},
            **({"artifact_uri": source} if source.startswith("gs://") else {}),
        }

        def made() -> str | None:
            own = [each.version_id for each in self._all(model) if each.labels.get(UPLOAD) == mark]
            return own[0] if own else None

        def make() -> None:
            known = bool(self._all(model))
            which = {"parent_model": self._name(model)} if known else {"model_id": model}
            operation = self._vertex.ask(
                self._vertex.models.upload_model,
                once=True,
                parent=self._vertex.parent,
                model=asked,
                **which,
            )
            self._vertex.finish(operation)

        return self._vertex.see_to(made, make)

    def describe(
        self, model: str, version: str, description: str, labels: Mapping[str, str]
    ) -> None:
        """Write a version's description and labels."""
        name = self._name(model, version)
        found = self._vertex.ask(self._vertex.models.get_model, name=name)
        mark = {UPLOAD: found.labels[UPLOAD]} if UPLOAD in found.labels else {}
        self._vertex.ask(
            self._vertex.models.update_model,
            model={
                "name": name,
                "version_description": description,
                "labels": {**labels, **mark},
            },
            update_mask={"paths": ["version_description", "labels"]},
        )

    def aliases(self, model: str) -> dict[str, str]:
        """Return which version each alias stands for, Vertex AI's own left out."""
        return {
            alias: each.version_id
            for each in self._all(model)
            for alias in each.version_aliases
            if alias != DEFAULT
        }

    def point(self, model: str, alias: str, version: str) -> None:
        """Let an alias stand for a version, and for no other any more."""

        def pointed() -> bool:
            return any(
                each.version_id == version and alias in each.version_aliases
                for each in self._all(model)
            )

        self._vertex.see_to(pointed, lambda: self._merge(model, version, alias))

    def unpoint(self, model: str, alias: str) -> None:
        """Let an alias stand for nothing."""

        def remove() -> None:
            holder = self.aliases(model).get(alias)
            if holder is not None:
                self._merge(model, holder, f"-{alias}")

        self._vertex.see_to(lambda: alias not in self.aliases(model), remove)

    def delete(self, model: str, version: str) -> None:
        """Delete a version; the only one of a model has to stay until the model goes."""

        def gone() -> bool:
            numbers = {each.version_id for each in self._all(model)}
            return numbers <= {version} or version not in numbers

        def remove() -> None:
            others = [each for each in self._all(model) if each.version_id != version]
            newest = max(others, key=lambda each: int(each.version_id))
            if not any(DEFAULT in each.version_aliases for each in others):
                self._merge(model, newest.version_id, DEFAULT)
            name = self._name(model, version)
            self._vertex.finish(
                self._vertex.ask(self._vertex.models.delete_model_version, once=True, name=name)
            )

        self._vertex.see_to(gone, remove)

    def delete_all(self, model: str) -> None:
        """Delete a model with all of its versions."""

        def remove() -> None:
            name = self._name(model)
            self._vertex.finish(
                self._vertex.ask(self._vertex.models.delete_model, once=True, name=name)
            )

        self._vertex.see_to(lambda: not self._all(model), remove)

    def _merge(self, model: str, version: str, alias: str) -> None:
        self._vertex.ask(
            self._vertex.models.merge_version_aliases,
            once=True,
            name=self._name(model, version),
            version_aliases=[alias],
        )

    def _all(self, model: str) -> list[Any]:
        try:
            pages = self._vertex.ask(
                self._vertex.models.list_model_versions, name=self._name(model), page_size=PAGE
            )
            return list(pages)
        except google_errors.NotFound:
            return []

    def _name(self, model: str, version: str | None = None) -> str:
        name = f"{self._vertex.parent}/models/{model}"
        return name if version is None else f"{name}@{version}"
