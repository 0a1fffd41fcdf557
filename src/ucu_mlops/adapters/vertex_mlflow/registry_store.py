"""MLflow's model registry over Vertex AI's: models, versions, aliases and tags."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from mlflow import MlflowClient
from mlflow.entities.model_registry import (
    ModelVersion,
    RegisteredModel,
    RegisteredModelAlias,
    RegisteredModelTag,
)
from mlflow.entities.model_registry.model_version_stages import (
    ALL_STAGES,
    DEFAULT_STAGES_FOR_GET_LATEST_VERSIONS,
    STAGE_ARCHIVED,
    STAGE_NONE,
    get_canonical_stage,
)
from mlflow.exceptions import MlflowException
from mlflow.prompt.registry_utils import add_prompt_filter_string
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE, RESOURCE_DOES_NOT_EXIST
from mlflow.store.artifact.utils.models import _parse_model_uri
from mlflow.store.entities.paged_list import PagedList
from mlflow.store.model_registry import (
    SEARCH_MODEL_VERSION_MAX_RESULTS_DEFAULT,
    SEARCH_MODEL_VERSION_MAX_RESULTS_THRESHOLD,
    SEARCH_REGISTERED_MODEL_MAX_RESULTS_DEFAULT,
    SEARCH_REGISTERED_MODEL_MAX_RESULTS_THRESHOLD,
)
from mlflow.store.model_registry.abstract_store import AbstractStore
from mlflow.utils.search_utils import SearchModelUtils, SearchModelVersionUtils, SearchUtils
from mlflow.utils.validation import (
    _validate_model_alias_name,
    _validate_model_alias_name_reserved,
    _validate_model_name,
    _validate_model_renaming,
    _validate_model_version,
    _validate_model_version_tag,
    _validate_registered_model_tag,
    _validate_tag_name,
)

from ucu_mlops.adapters.vertex_client import Patience, Vertex
from ucu_mlops.adapters.vertex_mlflow.answers import answering, in_mlflows_words
from ucu_mlops.adapters.vertex_mlflow.names import is_alias, labels
from ucu_mlops.adapters.vertex_mlflow.nodes import Document
from ucu_mlops.adapters.vertex_mlflow.place import read_place
from ucu_mlops.adapters.vertex_mlflow.registry_documents import (
    Registered,
    RegistryDocuments,
    as_version,
    no_version,
    now_ms,
    taken,
)
from ucu_mlops.adapters.vertex_mlflow.versions import Versions

LATEST = "latest"


@answering
class VertexRegistryStore(AbstractStore):
    """Registers models in Vertex AI.

    Args:
        store_uri: ``vertexai://PROJECT/LOCATION``.
        tracking_uri: Where runs and logged models are that versions are made of.
        patience: How often and how long Vertex AI is asked.
    """

    def __init__(
        self, store_uri: str, tracking_uri: str | None = None, patience: Patience | None = None
    ) -> None:
        super().__init__(store_uri, tracking_uri)
        place = read_place(store_uri)
        with in_mlflows_words("open the store"):
            vertex = Vertex(place.project, place.location, patience)
        self._tracking = tracking_uri or store_uri
        self._documents = RegistryDocuments(vertex)
        self._versions = Versions(vertex)

    def create_registered_model(
        self,
        name: str,
        tags: Sequence[Any] | None = None,
        description: str | None = None,
        deployment_job_id: str | None = None,  # noqa: ARG002 (Databricks')
    ) -> RegisteredModel:
        """Register a model, still without versions."""
        _validate_model_name(name)
        for tag in tags or ():
            _validate_registered_model_tag(tag.key, tag.value)
        tagged = {tag.key: tag.value for tag in tags or ()}
        return self._model(self._documents.create(name, description, tagged))

    def update_registered_model(
        self,
        name: str,
        description: str | None,
        deployment_job_id: str | None = None,  # noqa: ARG002 (Databricks')
    ) -> RegisteredModel:
        """Describe a model."""
        model = self._documents.get(name)
        return self._model(
            self._documents.change(model, lambda document: document.update(description=description))
        )

    def rename_registered_model(self, name: str, new_name: str) -> RegisteredModel:
        """Give a model another name; in Vertex AI it keeps its ID."""
        _validate_model_renaming(new_name)
        model = self._documents.get(name)
        if self._documents.find(new_name) is not None:
            raise taken(new_name)
        return self._model(
            self._documents.change(model, lambda document: document.update(name=new_name))
        )

    def delete_registered_model(self, name: str) -> None:
        """Delete a model with its versions."""
        model = self._documents.get(name)
        self._versions.delete_all(model.document["vertex"])
        self._documents.delete(model)

    def search_registered_models(
        self,
        filter_string: str | None = None,
        max_results: int = SEARCH_REGISTERED_MODEL_MAX_RESULTS_DEFAULT,
        order_by: list[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList[Any]:
        """Find models with MLflow's own filter, in memory."""
        _check_max_results(max_results, SEARCH_REGISTERED_MODEL_MAX_RESULTS_THRESHOLD)
        condition = add_prompt_filter_string(filter_string, is_prompt=False)
        bare = {model.document["name"]: model for model in self._documents.all()}
        seen = [_bare(model) for model in bare.values()]
        ordered = SearchModelUtils.sort(SearchModelUtils.filter(seen, condition), order_by)
        found, token = SearchUtils.paginate(ordered, page_token, max_results)
        return PagedList([self._model(bare[each.name]) for each in found], token)

    def get_registered_model(self, name: str) -> RegisteredModel:
        """Return a model with its aliases and latest versions."""
        _validate_model_name(name)
        return self._model(self._documents.get(name))

    def get_latest_versions(
        self, name: str, stages: Sequence[str] | None = None
    ) -> list[ModelVersion]:
        """Return the newest version of each stage."""
        wanted = {get_canonical_stage(stage) for stage in stages or ALL_STAGES}
        latest = self._model(self._documents.get(name)).latest_versions
        return [version for version in latest if version.current_stage in wanted]

    def set_registered_model_tag(self, name: str, tag: Any) -> None:
        """Set a tag of a model."""
        _validate_registered_model_tag(tag.key, tag.value)
        model = self._documents.get(name)
        self._documents.change(
            model, lambda document: document["tags"].update({tag.key: str(tag.value)})
        )

    def delete_registered_model_tag(self, name: str, key: str) -> None:
        """Remove a tag of a model."""
        _validate_tag_name(key)
        model = self._documents.get(name)
        self._documents.change(model, lambda document: document["tags"].pop(key, None))

    def create_model_version(  # noqa: PLR0913, PLR0917 (MLflow's signature)
        self,
        name: str,
        source: str,
        run_id: str | None = None,
        tags: Sequence[Any] | None = None,
        run_link: str | None = None,
        description: str | None = None,
        local_model_path: str | None = None,  # noqa: ARG002 (of no use here)
        model_id: str | None = None,
    ) -> ModelVersion:
        """Make a version: in the Model Registry, and what that cannot hold beside it."""
        _validate_model_name(name)
        for tag in tags or ():
            _validate_model_version_tag(tag.key, tag.value)
        model = self._documents.get(name)
        place, run_id = self._resolve(source, run_id, model_id)
        tagged = {tag.key: str(tag.value) for tag in tags or ()}
        now = now_ms()
        number = self._versions.upload(
            model.document["vertex"], name, description or "", labels(tagged), place
        )
        document = {
            "description": description,
            "source": source,
            "place": place,
            "run_id": run_id,
            "run_link": run_link,
            "model_id": model_id,
            "current_stage": STAGE_NONE,
            "tags": tagged,
            "created": now,
            "updated": now,
            "gone": False,
        }
        self._documents.add_version(model, number, document)
        self._documents.change(model, lambda _document: None)
        return as_version(name, number, document, [])

    def update_model_version(
        self, name: str, version: str, description: str | None = None
    ) -> ModelVersion:
        """Describe a version."""
        return self._change(
            name, version, lambda document: document.update(description=description)
        )

    def transition_model_version_stage(
        self, name: str, version: str, stage: str, archive_existing_versions: bool
    ) -> ModelVersion:
        """Move a version to a stage, and perhaps those that are there to the archive."""
        wanted = get_canonical_stage(stage)
        if archive_existing_versions and wanted not in DEFAULT_STAGES_FOR_GET_LATEST_VERSIONS:
            raise MlflowException(
                "Model version transition cannot archive existing model versions because"
                f" '{stage}' is not an Active stage."
            )
        model = self._documents.get(name)
        self._documents.version(model, str(version))
        if archive_existing_versions:
            for number, document in self._documents.versions(model).items():
                if document["current_stage"] == wanted and number != str(version):
                    self._change(
                        name, number, lambda each: each.update(current_stage=STAGE_ARCHIVED)
                    )
        return self._change(name, version, lambda each: each.update(current_stage=wanted))

    def delete_model_version(self, name: str, version: str) -> None:
        """Delete a version and its aliases; its number is not given again."""
        number = str(_validate_model_version(version))
        model = self._documents.get(name)
        self._documents.version(model, number)
        for alias, pointed in self._aliases(model).items():
            if pointed == number:
                self.delete_registered_model_alias(name, alias)
        self._documents.change_version(model, number, lambda document: document.update(gone=True))
        self._versions.delete(model.document["vertex"], number)

    def get_model_version(self, name: str, version: str) -> ModelVersion:
        """Return a version with its aliases."""
        _validate_model_name(name)
        number = str(_validate_model_version(version))
        model = self._documents.find(name)
        if model is None:
            raise no_version(name, number)
        return self._version(model, number, self._documents.version(model, number))

    def get_model_version_download_uri(self, name: str, version: str) -> str:
        """Return where a version's files are."""
        return str(self._documents.version(self._documents.get(name), str(version))["place"])

    def search_model_versions(
        self,
        filter_string: str | None = None,
        max_results: int = SEARCH_MODEL_VERSION_MAX_RESULTS_DEFAULT,
        order_by: list[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList[Any]:
        """Find versions with MLflow's own filter, in memory."""
        _check_max_results(max_results, SEARCH_MODEL_VERSION_MAX_RESULTS_THRESHOLD)
        condition = add_prompt_filter_string(filter_string, is_prompt=False)
        versions = self._documents.every_version()
        models = {model.document["name"]: model for model in self._documents.all()}
        seen = [
            as_version(name, number, document, [])
            for name, model in models.items()
            for number, document in versions.get(model.id, {}).items()
        ]
        ordered = SearchModelVersionUtils.sort(
            SearchModelVersionUtils.filter(seen, condition),
            order_by or ["last_updated_timestamp DESC", "name ASC", "version_number DESC"],
        )
        found, token = SearchUtils.paginate(ordered, page_token, max_results)
        return PagedList(found, token)

    def set_model_version_tag(self, name: str, version: str, tag: Any) -> None:
        """Set a tag of a version."""
        _validate_model_version_tag(tag.key, tag.value)
        self._change(
            name, version, lambda document: document["tags"].update({tag.key: str(tag.value)})
        )

    def delete_model_version_tag(self, name: str, version: str, key: str) -> None:
        """Remove a tag of a version."""
        _validate_tag_name(key)
        self._change(name, version, lambda document: document["tags"].pop(key, None))

    def set_registered_model_alias(self, name: str, alias: str, version: str) -> None:
        """Let an alias stand for a version, and for no other any more."""
        _validate_model_name(name)
        _validate_model_alias_name(alias)
        _validate_model_alias_name_reserved(alias)
        number = str(_validate_model_version(version))
        model = self._documents.get(name)
        self._documents.version(model, number)
        if is_alias(alias):
            self._versions.point(model.document["vertex"], alias, number)
        else:
            self._documents.change(
                model, lambda document: document["aliases"].update({alias: number})
            )

    def delete_registered_model_alias(self, name: str, alias: str) -> None:
        """Let an alias stand for nothing."""
        _validate_model_name(name)
        _validate_model_alias_name(alias)
        model = self._documents.get(name)
        if is_alias(alias):
            self._versions.unpoint(model.document["vertex"], alias)
        else:
            self._documents.change(model, lambda document: document["aliases"].pop(alias, None))

    def get_model_version_by_alias(self, name: str, alias: str) -> ModelVersion:
        """Return the version that an alias stands for."""
        _validate_model_name(name)
        _validate_model_alias_name(alias)
        model = self._documents.get(name)
        if alias.lower() == LATEST:
            versions = self._documents.versions(model)
            if not versions:
                raise MlflowException(
                    f"Latest version not found for model {name}.", RESOURCE_DOES_NOT_EXIST
                )
            return self.get_model_version(name, list(versions)[-1])
        aliases = self._aliases(model)
        if alias not in aliases:
            raise MlflowException(
                f"Registered model alias {alias} not found.", INVALID_PARAMETER_VALUE
            )
        return self.get_model_version(name, aliases[alias])

    def _resolve(
        self, source: str, run_id: str | None, model_id: str | None
    ) -> tuple[str, str | None]:
        """Return where a source's files are, and the run that made them."""
        place, runs = source, MlflowClient(tracking_uri=self._tracking)
        if urlsplit(source).scheme == "models":
            parsed = _parse_model_uri(source)
            if parsed.model_id is not None:
                logged = runs.get_logged_model(parsed.model_id)
                place, run_id = logged.artifact_location, run_id or logged.source_run_id
            else:
                place = self.get_model_version_download_uri(str(parsed.name), str(parsed.version))
        if run_id is None and model_id is not None:
            run_id = runs.get_logged_model(model_id).source_run_id
        return place, run_id

    def _change(self, name: str, version: str, how: Any) -> ModelVersion:
        number = str(_validate_model_version(version))
        model = self._documents.get(name)

        def changed(document: Document) -> None:
            how(document)
            document["updated"] = now_ms()

        document = self._documents.change_version(model, number, changed)
        self._versions.describe(
            model.document["vertex"],
            number,
            document["description"] or "",
            labels(document["tags"]),
        )
        return self._version(model, number, document)

    def _aliases(self, model: Registered) -> dict[str, str]:
        return {**model.document["aliases"], **self._versions.aliases(model.document["vertex"])}

    def _version(self, model: Registered, number: str, document: Document) -> ModelVersion:
        aliases = sorted(alias for alias, each in self._aliases(model).items() if each == number)
        return as_version(model.document["name"], number, document, aliases)

    def _model(self, model: Registered) -> RegisteredModel:
        aliases = self._aliases(model)
        latest: dict[str, ModelVersion] = {}
        for number, document in self._documents.versions(model).items():
            own = sorted(alias for alias, each in aliases.items() if each == number)
            # By number, so the last of a stage is its newest.
            latest[document["current_stage"]] = as_version(
                model.document["name"], number, document, own
            )
        return _bare(model, list(latest.values()), aliases)


def _bare(
    model: Registered,
    latest: Sequence[ModelVersion] = (),
    aliases: dict[str, str] | None = None,
) -> RegisteredModel:
    document = model.document
    return RegisteredModel(
        name=document["name"],
        creation_timestamp=document["created"],
        last_updated_timestamp=document["updated"],
        description=document["description"],
        latest_versions=list(latest),
        tags=[RegisteredModelTag(key, value) for key, value in document["tags"].items()],
        aliases=[RegisteredModelAlias(alias, int(n)) for alias, n in (aliases or {}).items()],
    )


def _check_max_results(most: int, threshold: int) -> None:
    if not isinstance(most, int) or not 1 <= most <= threshold:
        raise MlflowException(
            f"Invalid value for max_results: it must be a positive integer of at most {threshold},"
            f" but got {most}",
            INVALID_PARAMETER_VALUE,
        )
