"""MLflow's tracking store over Vertex Experiments: experiments, runs, logged models.

What is logged waits a moment and is written in batches; before anything is read, it is written.
"""

import json
from collections.abc import Sequence
from typing import Any

from mlflow.entities import (
    DatasetInput,
    Experiment,
    LifecycleStage,
    LoggedModel,
    LoggedModelInput,
    LoggedModelOutput,
    LoggedModelStatus,
    Metric,
    Run,
    RunInfo,
    RunTag,
    ViewType,
)
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import (
    INVALID_PARAMETER_VALUE,
    NOT_IMPLEMENTED,
    RESOURCE_DOES_NOT_EXIST,
)
from mlflow.store.entities.paged_list import PagedList
from mlflow.store.tracking import (
    SEARCH_LOGGED_MODEL_MAX_RESULTS_DEFAULT,
    SEARCH_MAX_RESULTS_DEFAULT,
    SEARCH_MAX_RESULTS_THRESHOLD,
)
from mlflow.store.tracking.abstract_store import AbstractStore
from mlflow.utils.mlflow_tags import MLFLOW_LOGGED_MODELS, MLFLOW_RUN_NAME
from mlflow.utils.name_utils import _generate_random_name
from mlflow.utils.search_utils import (
    SearchExperimentsUtils,
    SearchLoggedModelsUtils,
    SearchUtils,
)
from mlflow.utils.validation import (
    _validate_batch_log_data,
    _validate_batch_log_limits,
    _validate_experiment_artifact_location_length,
    _validate_experiment_name,
    _validate_experiment_tag,
    _validate_logged_model_name,
    _validate_metric_name,
    _validate_param_keys_unique,
    _validate_run_id,
)

from ucu_mlops.adapters.vertex_client import Patience, Vertex
from ucu_mlops.adapters.vertex_mlflow.answers import answering, in_mlflows_words
from ucu_mlops.adapters.vertex_mlflow.datasets import Datasets
from ucu_mlops.adapters.vertex_mlflow.experiments import Experiments
from ucu_mlops.adapters.vertex_mlflow.logged_models import LoggedModels
from ucu_mlops.adapters.vertex_mlflow.outbox import Outbox
from ucu_mlops.adapters.vertex_mlflow.place import read_place
from ucu_mlops.adapters.vertex_mlflow.runs import Runs, set_stage

# Long enough that a loop's metrics share a request, short enough to be looked at.
GATHER_S = 2.0


@answering
class VertexTrackingStore(AbstractStore):
    """Tracks runs in Vertex AI.

    Args:
        store_uri: ``vertexai://PROJECT/LOCATION``.
        artifact_uri: Where experiments without a location of their own put artifacts.
        patience: How often and how long Vertex AI is asked.
    """

    def __init__(
        self, store_uri: str, artifact_uri: str | None = None, patience: Patience | None = None
    ) -> None:
        super().__init__()
        place = read_place(store_uri, artifact_uri)
        with in_mlflows_words("open the store"):
            vertex = Vertex(place.project, place.location, patience)
        outbox = Outbox(GATHER_S)
        self._experiments = Experiments(vertex, place.artifacts)
        self._runs = Runs(vertex, outbox, Datasets(vertex))
        self._models = LoggedModels(vertex, outbox)

    def search_experiments(
        self,
        view_type: int = ViewType.ACTIVE_ONLY,
        max_results: int = SEARCH_MAX_RESULTS_DEFAULT,
        filter_string: str | None = None,
        order_by: list[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList[Any]:
        """Find experiments with MLflow's own filter, in memory."""
        _check_max_results(max_results)
        stages = LifecycleStage.view_type_to_stages(view_type)
        seen = [each for each in self._experiments.all() if each.lifecycle_stage in stages]
        found = SearchExperimentsUtils.filter(seen, filter_string)
        ordered = SearchExperimentsUtils.sort(
            found, order_by or ["creation_time DESC", "experiment_id ASC"]
        )
        return PagedList(*SearchUtils.paginate(ordered, page_token, max_results))

    def create_experiment(
        self,
        name: str,
        artifact_location: str | None = None,
        tags: Sequence[Any] | None = None,
    ) -> str:
        """Make an experiment and return its ID."""
        _validate_experiment_name(name)
        if artifact_location:
            _validate_experiment_artifact_location_length(artifact_location)
        for tag in tags or ():
            _validate_experiment_tag(tag.key, tag.value)
        return self._experiments.create(name, artifact_location, tags or ())

    def get_experiment(self, experiment_id: str) -> Experiment:
        """Return an experiment."""
        return self._experiments.get(str(experiment_id))

    def get_experiment_by_name(self, experiment_name: str) -> Experiment | None:
        """Return the experiment of this name, None if there is none."""
        return self._experiments.named(experiment_name)

    def delete_experiment(self, experiment_id: str) -> None:
        """Mark an experiment and its runs as deleted."""
        self._move(experiment_id, LifecycleStage.DELETED)

    def restore_experiment(self, experiment_id: str) -> None:
        """Mark an experiment and its runs as active."""
        self._move(experiment_id, LifecycleStage.ACTIVE)

    def rename_experiment(self, experiment_id: str, new_name: str) -> None:
        """Give an experiment another name."""
        _validate_experiment_name(new_name)
        self._experiments.rename(experiment_id, new_name)

    def set_experiment_tag(self, experiment_id: str, tag: Any) -> None:
        """Set a tag of an experiment."""
        _validate_experiment_tag(tag.key, tag.value)
        self._experiments.tag(experiment_id, tag.key, str(tag.value))

    def delete_experiment_tag(self, experiment_id: str, key: str) -> None:
        """Remove a tag of an experiment."""
        self._experiments.tag(experiment_id, key, None)

    def create_run(  # MLflow's signature
        self,
        experiment_id: str,
        user_id: str,
        start_time: int,
        tags: Sequence[RunTag] | None,
        run_name: str | None,
    ) -> Run:
        """Make a run of an experiment that is not deleted."""
        experiment = self._experiments.active(str(experiment_id))
        tagged = {tag.key: tag.value for tag in tags or ()}
        said = tagged.get(MLFLOW_RUN_NAME)
        if run_name and said and run_name != said:
            raise MlflowException(
                "Both 'run_name' argument and 'mlflow.runName' tag are specified, but with "
                f"different values (run_name='{run_name}', mlflow.runName='{said}').",
                INVALID_PARAMETER_VALUE,
            )
        tagged[MLFLOW_RUN_NAME] = name = run_name or said or _generate_random_name()
        kept = [RunTag(key, value) for key, value in tagged.items()]
        return self._runs.create(experiment, user_id, start_time, name, kept)

    def get_run(self, run_id: str) -> Run:
        """Return a run, deleted or not."""
        _validate_run_id(run_id)
        return self._runs.get(run_id)

    def update_run_info(
        self, run_id: str, run_status: int | None, end_time: int | None, run_name: str | None
    ) -> RunInfo:
        """Set status, end and name, and write all that was logged before."""
        _validate_run_id(run_id)
        done = self._runs.change_now(run_id, lambda run: run.finish(run_status, end_time, run_name))
        return done.info

    def delete_run(self, run_id: str) -> None:
        """Mark a run as deleted."""
        self._runs.change_now(run_id, set_stage(LifecycleStage.DELETED), deleted_too=True)

    def restore_run(self, run_id: str) -> None:
        """Mark a run as active."""
        self._runs.change_now(run_id, set_stage(LifecycleStage.ACTIVE), deleted_too=True)

    def log_batch(
        self, run_id: str, metrics: list[Metric], params: list[Any], tags: list[RunTag]
    ) -> None:
        """Log points, params and tags: all of them or, if one is refused, none."""
        _validate_run_id(run_id)
        metrics, params, tags = _validate_batch_log_data(metrics, params, tags)
        _validate_batch_log_limits(metrics, params, tags)
        _validate_param_keys_unique(params)
        self._runs.log(run_id, metrics, params, tags)
        for model_id in sorted({each.model_id for each in metrics if each.model_id}):
            own = [each for each in metrics if each.model_id == model_id]
            self._models.log(model_id, run_id, own)

    def delete_tag(self, run_id: str, key: str) -> None:
        """Remove a tag of a run."""
        self._runs.remove_tag(run_id, key)

    def get_metric_history(
        self,
        run_id: str,
        metric_key: str,
        max_results: int | None = None,
        page_token: str | None = None,
    ) -> PagedList[Any]:
        """Return all points of a metric, by time, step and value."""
        _validate_run_id(run_id)
        _validate_metric_name(metric_key)
        points = self._runs.history(run_id, metric_key)
        if max_results is None:
            start = SearchUtils.parse_start_offset_from_page_token(page_token)
            return PagedList(points[start:], None)
        return PagedList(*SearchUtils.paginate(points, page_token, max_results))

    def _search_runs(
        self,
        experiment_ids: Sequence[str],
        filter_string: str | None,
        run_view_type: int,
        max_results: int,
        order_by: list[str] | None,
        page_token: str | None,
    ) -> tuple[list[Run], str | None]:
        _check_max_results(max_results)
        stages = LifecycleStage.view_type_to_stages(run_view_type)
        seen = [
            run
            for experiment_id in dict.fromkeys(experiment_ids)
            for run in self._runs.of(str(experiment_id))
            if run.info.lifecycle_stage in stages
        ]
        ordered = SearchUtils.sort(SearchUtils.filter(seen, filter_string), order_by)
        found: tuple[list[Run], str | None] = SearchUtils.paginate(ordered, page_token, max_results)
        return found

    def log_inputs(
        self,
        run_id: str,
        datasets: list[DatasetInput] | None = None,
        models: list[LoggedModelInput] | None = None,
    ) -> None:
        """Note data sets and logged models that a run uses."""
        _validate_run_id(run_id)
        self._runs.use(run_id, datasets or (), models or ())

    def log_outputs(self, run_id: str, models: list[LoggedModelOutput]) -> None:
        """Note logged models that a run made."""

        def made(run: Any) -> None:
            for model in models:
                run.output(model)

        self._runs.change_now(run_id, made)

    def record_logged_model(self, run_id: str, mlflow_model: Any) -> None:
        """Add a model to the run's tag that lists its models (MLflow before 3)."""
        described = mlflow_model.get_tags_dict()

        def recorded(run: Any) -> None:
            models = json.loads(run.tags.get(MLFLOW_LOGGED_MODELS, "[]"))
            if described not in models:
                run.tags[MLFLOW_LOGGED_MODELS] = json.dumps([*models, described])

        self._runs.change(run_id, recorded)

    def create_logged_model(
        self,
        experiment_id: str,
        name: str | None = None,
        source_run_id: str | None = None,
        tags: list[Any] | None = None,
        params: list[Any] | None = None,
        model_type: str | None = None,
    ) -> LoggedModel:
        """Make a logged model whose files are still to come."""
        _validate_logged_model_name(name)
        experiment = self._experiments.active(str(experiment_id))
        return self._models.create(
            experiment,
            name or _generate_random_name(),
            source_run_id,
            tags or (),
            params or (),
            model_type,
        )

    def finalize_logged_model(self, model_id: str, status: LoggedModelStatus) -> LoggedModel:
        """Set a logged model's status."""
        return self._models.change(
            model_id, lambda document: document.update(status=status.to_int())
        )

    def log_logged_model_params(self, model_id: str, params: list[Any]) -> None:
        """Set params of a logged model."""
        given = {param.key: param.value for param in params}
        self._models.change(model_id, lambda document: document["params"].update(given))

    def set_logged_model_tags(self, model_id: str, tags: list[Any]) -> None:
        """Set tags of a logged model."""
        given = {tag.key: tag.value for tag in tags}
        self._models.change(model_id, lambda document: document["tags"].update(given))

    def delete_logged_model_tag(self, model_id: str, key: str) -> None:
        """Remove a tag of a logged model."""
        if key not in self._models.get(model_id).tags:
            raise MlflowException(
                f"No tag with key {key!r} found for model with ID {model_id!r}.",
                RESOURCE_DOES_NOT_EXIST,
            )
        self._models.change(model_id, lambda document: document["tags"].pop(key, None))

    def get_logged_model(self, model_id: str, allow_deleted: bool = False) -> LoggedModel:
        """Return a logged model."""
        return self._models.get(model_id, deleted_too=allow_deleted)

    def delete_logged_model(self, model_id: str) -> None:
        """Mark a logged model as deleted."""
        self._models.change(
            model_id, lambda document: document.update(stage=LifecycleStage.DELETED)
        )

    def search_logged_models(
        self,
        experiment_ids: list[str],
        filter_string: str | None = None,
        datasets: list[dict[str, Any]] | None = None,
        max_results: int | None = None,
        order_by: list[dict[str, Any]] | None = None,
        page_token: str | None = None,
    ) -> PagedList[Any]:
        """Find logged models with MLflow's own filter, in memory."""
        seen = [each for one in experiment_ids for each in self._models.of(str(one))]
        found = SearchLoggedModelsUtils.filter_logged_models(seen, filter_string, datasets)
        ordered = SearchLoggedModelsUtils.sort(found, order_by)
        most = max_results or SEARCH_LOGGED_MODEL_MAX_RESULTS_DEFAULT
        return PagedList(*SearchLoggedModelsUtils.paginate(ordered, page_token, most))

    def link_traces_to_run(self, trace_ids: list[str], run_id: str) -> None:
        """Refuse: traces are of generative models, and are not kept here."""
        raise MlflowException(
            f"traces are not kept in Vertex AI: {trace_ids} of run {run_id}", NOT_IMPLEMENTED
        )

    def flush(self) -> None:
        """Write all that was logged and waits."""
        self._runs.flush()

    def _move(self, experiment_id: str, stage: str) -> None:
        self._experiments.move(experiment_id, stage)
        for run in self._runs.of(experiment_id):
            self._runs.change_now(run.info.run_id, set_stage(stage), deleted_too=True)


def _check_max_results(most: int) -> None:
    if not isinstance(most, int) or not 1 <= most <= SEARCH_MAX_RESULTS_THRESHOLD:
        raise MlflowException(
            f"Invalid value {most} for parameter 'max_results'. It must be a positive integer of"
            f" at most {SEARCH_MAX_RESULTS_THRESHOLD}",
            INVALID_PARAMETER_VALUE,
        )
