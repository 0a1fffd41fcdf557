"""Vertex AI Model Registry: models, versions and their aliases.

Source: the comments of google/cloud/aiplatform/v1/{model_service,model}.proto, and
cloud.google.com/vertex-ai/docs/model-registry/model-alias.
"""

from datetime import UTC, datetime
from typing import Any

from google.cloud.aiplatform_v1 import types
from google.longrunning.operations_pb2 import Operation
from google.protobuf.empty_pb2 import Empty

from standins.vertex import names
from standins.vertex.operations import OperationsService
from standins.vertex.pages import page
from standins.vertex.refusals import exists, invalid, not_found, precondition, unimplemented

DEFAULT = "default"
WRITABLE = {"version_description", "labels"}


class ModelService:
    """google.cloud.aiplatform.v1.ModelService, as far as a registry needs it."""

    service = "google.cloud.aiplatform.v1.ModelService"

    def __init__(self, operations: OperationsService) -> None:
        self._operations = operations
        self._models: dict[str, dict[str, Any]] = {}
        self._given: dict[str, int] = {}

    def upload_model(self, request: types.UploadModelRequest) -> Operation:
        """ModelService.UploadModel: a model's first version, or a further one of its parent_model.

        "A default version alias will be created for the first version of the model."
        """
        parent = names.check_location(request.parent)
        model = types.Model.pb(types.Model(request.model))
        names.check_display_name(model.display_name)
        names.check_labels(model.labels)
        if not model.display_name or not model.container_spec.image_uri:
            raise invalid("display_name and container_spec.image_uri are required")
        if model.artifact_uri and not model.artifact_uri.startswith("gs://"):
            raise invalid(f"artifact_uri must be in Cloud Storage, got {model.artifact_uri!r}")
        if model.version_aliases:
            raise unimplemented("aliases of an upload")
        name = self._name(request, parent)
        versions = self._models.setdefault(name, {})
        # "It is an auto-incrementing decimal number": none is given twice.
        number = self._given.get(name, 0) + 1
        self._given[name] = number
        model.name, model.version_id = name, str(number)
        if not versions:
            model.version_aliases.append(DEFAULT)
        for field in ("create_time", "update_time", "version_create_time", "version_update_time"):
            getattr(model, field).FromDatetime(datetime.now(UTC))
        versions[model.version_id] = model
        answer = types.UploadModelResponse(model=name, model_version_id=model.version_id)
        return self._operations.done(parent, types.UploadModelResponse.pb(answer))

    def get_model(self, request: types.GetModelRequest) -> types.Model:
        """ModelService.GetModel: a version by its ID or alias, the default one without either."""
        return types.Model.wrap(self._version(request.name))

    def update_model(self, request: types.UpdateModelRequest) -> types.Model:
        """ModelService.UpdateModel: "model.name with the @ value … a version specific update"."""
        given = types.Model.pb(request.model)
        paths = set(request.update_mask.paths)
        if "@" not in given.name or not paths or not paths <= WRITABLE:
            raise unimplemented(f"update of {sorted(paths)} of {given.name}")
        names.check_labels(given.labels)
        version = self._version(given.name)
        if "version_description" in paths:
            version.version_description = given.version_description
        if "labels" in paths:
            version.labels.clear()
            version.labels.update(given.labels)
        version.version_update_time.FromDatetime(datetime.now(UTC))
        return types.Model.wrap(version)

    def list_model_versions(
        self, request: types.ListModelVersionsRequest
    ) -> types.ListModelVersionsResponse:
        """ModelService.ListModelVersions: all of a model, in pages."""
        if request.filter or request.order_by:
            raise unimplemented("filter and order_by of a model's versions")
        versions = self._of(request.name)
        found, token = page(list(versions.values()), request)
        return types.ListModelVersionsResponse(
            models=[types.Model.wrap(each) for each in found], next_page_token=token
        )

    def merge_version_aliases(self, request: types.MergeVersionAliasesRequest) -> types.Model:
        """ModelService.MergeVersionAliases: "Add the - prefix … removing that alias".

        The guide: an alias "can only be assigned to one version at a time", and applying one that
        another version has removes it from that one.
        """
        version = self._version(request.name)
        if version.version_id != request.name.rpartition("@")[2]:
            raise invalid("the name needs the version's ID")
        wanted = list(request.version_aliases)
        if not wanted:
            raise invalid("version_aliases is required")
        for alias in wanted:
            names.check_id(names.ALIAS, alias.removeprefix("-"), "an alias")
            if alias.removeprefix("-") not in version.version_aliases and alias.startswith("-"):
                raise unimplemented("removal of an alias that the version does not have")
            if alias == f"-{DEFAULT}":
                raise precondition("there must be exactly one default version")
        for alias in wanted:
            if alias.startswith("-"):
                version.version_aliases.remove(alias[1:])
                continue
            for other in self._of(version.name).values():
                if alias in other.version_aliases:
                    other.version_aliases.remove(alias)
            version.version_aliases.append(alias)
        return types.Model.wrap(version)

    def delete_model_version(self, request: types.DeleteModelVersionRequest) -> Operation:
        """ModelService.DeleteModelVersion: "Deleting the only version … is not allowed"."""
        version = self._version(request.name)
        versions = self._of(version.name)
        if len(versions) == 1:
            raise precondition("the only version of a model is deleted with DeleteModel")
        if DEFAULT in version.version_aliases:
            raise precondition("the default version cannot be deleted")
        del versions[version.version_id]
        return self._operations.done(version.name.partition("/models/")[0], Empty())

    def delete_model(self, request: types.DeleteModelRequest) -> Operation:
        """ModelService.DeleteModel: the model with all of its versions."""
        name = names.canonical(request.name)
        self._of(name)
        del self._models[name], self._given[name]
        return self._operations.done(name.partition("/models/")[0], Empty())

    def _name(self, request: Any, parent: str) -> str:
        if request.parent_model:
            name = names.canonical(request.parent_model).partition("@")[0]
            self._of(name)
            return name
        names.check_id(names.MODEL_ID, request.model_id, "model_id")
        name = f"{parent}/models/{request.model_id}"
        if name in self._models:
            raise exists(name)
        return name

    def _of(self, name: str) -> dict[str, Any]:
        full = names.canonical(name).partition("@")[0]
        if full not in self._models:
            raise not_found(full)
        return self._models[full]

    def _version(self, name: str) -> Any:
        full, _, wanted = names.canonical(name).partition("@")
        for number, version in self._of(full).items():
            if (wanted or DEFAULT) in {number, *version.version_aliases}:
                return version
        raise not_found(name)
