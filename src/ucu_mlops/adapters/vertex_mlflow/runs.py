"""MLflow's runs as contexts of the type ``system.ExperimentRun``, written through the outbox."""

import time
import uuid
from collections.abc import Sequence
from typing import Any

from mlflow.entities import (
    DatasetInput,
    Experiment,
    InputTag,
    LifecycleStage,
    LoggedModelInput,
    LoggedModelOutput,
    Metric,
    Param,
    Run,
    RunData,
    RunInfo,
    RunInputs,
    RunOutputs,
    RunTag,
)
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE, RESOURCE_DOES_NOT_EXIST
from mlflow.utils.uri import append_to_uri_path

from ucu_mlops.adapters.vertex_client import Vertex
from ucu_mlops.adapters.vertex_mlflow.datasets import Datasets
from ucu_mlops.adapters.vertex_mlflow.experiments import as_experiment, as_node
from ucu_mlops.adapters.vertex_mlflow.nodes import Node, Nodes, written
from ucu_mlops.adapters.vertex_mlflow.outbox import Change, Outbox, Waiting
from ucu_mlops.adapters.vertex_mlflow.run_document import (
    RunDocument,
    as_metric,
    cut_pages,
    history,
    read_run,
    write_run,
)

# Of params and tags: they lie in the run's metadata, which holds 200 KB, points included.
LONGEST = 110_000


class Runs:
    """Runs of one project and location.

    Args:
        vertex: Where they are.
        outbox: What is logged waits there.
        datasets: Where runs' inputs are.
    """

    def __init__(self, vertex: Vertex, outbox: Outbox, datasets: Datasets) -> None:
        self._vertex = vertex
        self._outbox = outbox
        self._datasets = datasets
        self._nodes = Nodes(vertex, "context", "system.ExperimentRun")
        self._pages = Nodes(vertex, "artifact", "system.Metrics")

    def create(
        self, experiment: Experiment, user: str, start: int, name: str, tags: Sequence[RunTag]
    ) -> Run:
        """Make a run; what else than this process could make one of a random ID."""
        parent = as_node(experiment.experiment_id)
        run_id = f"{parent}-{uuid.uuid4().hex}"
        place = append_to_uri_path(experiment.artifact_location, run_id, "artifacts")
        info = {
            "name": name,
            "user": user,
            "start": start,
            "end": None,
            "stage": LifecycleStage.ACTIVE,
            "artifacts": place,
            "experiment": parent,
        }
        run = RunDocument(info)
        for tag in tags:
            run.tag(tag)
        self._nodes.create(write_run(Node(run_id, name, written({})), run))
        self._vertex.ask(
            self._vertex.metadata.add_context_children,
            context=self._nodes.name(parent),
            child_contexts=[self._nodes.name(run_id)],
        )
        return self.get(run_id)

    def get(self, run_id: str) -> Run:
        """Return a run, with all that this process logged."""
        return self._entity(self._fresh(run_id))

    def of(self, experiment_id: str) -> list[Run]:
        """Return an experiment's runs, deleted ones too."""
        self._outbox.flush()
        parent = self._nodes.name(as_node(experiment_id))
        return [self._entity(node) for node in self._nodes.list(f'parent_contexts:"{parent}"')]

    def change(self, run_id: str, change: Change) -> None:
        """Let a change to a run that is not deleted wait to be written."""
        self._outbox.post(self._active(run_id), change)

    def change_now(self, run_id: str, change: Change, *, deleted_too: bool = False) -> Run:
        """Write a change, and all that waits before it."""
        waiting = self._waiting(run_id) if deleted_too else self._active(run_id)
        waiting.add(change)
        run = self._entity(waiting.write())
        if not waiting.changes and run.info.status != "RUNNING":
            self._outbox.forget(run_id)
        return run

    def log(
        self,
        run_id: str,
        metrics: Sequence[Metric],
        params: Sequence[Param],
        tags: Sequence[RunTag],
    ) -> None:
        """Let points, params and tags wait to be written.

        Raises:
            MlflowException: A param has another value already, or they have become too many.
        """
        waiting = self._active(run_id)
        if params or tags:
            self._check(run_id, self._seen(waiting), params, tags)

        def logged(run: RunDocument) -> None:
            for param in params:
                run.param(param)
            for metric in metrics:
                run.metric(metric)
            for tag in tags:
                run.tag(tag)

        self._outbox.post(waiting, logged)

    def remove_tag(self, run_id: str, key: str) -> None:
        """Remove a tag.

        Raises:
            MlflowException: There is none.
        """
        if key not in self._seen(self._active(run_id)).tags:
            raise MlflowException(
                f"No tag with name: {key} in run with id {run_id}", RESOURCE_DOES_NOT_EXIST
            )
        self.change(run_id, lambda run: run.tags.pop(key, None))

    def use(
        self,
        run_id: str,
        datasets: Sequence[DatasetInput],
        models: Sequence[LoggedModelInput],
    ) -> None:
        """Note what a run uses; data sets become its artifacts, too."""
        self._active(run_id)
        ids = {self._datasets.keep(each.dataset): each.tags for each in datasets}

        def used(run: RunDocument) -> None:
            for node_id, tags in ids.items():
                run.datasets.setdefault(node_id, {tag.key: tag.value for tag in tags})
            for model in models:
                run.input(model)

        self.change_now(run_id, used)
        if ids:
            self._vertex.ask(
                self._vertex.metadata.add_context_artifacts_and_executions,
                context=self._nodes.name(run_id),
                artifacts=[self._datasets.name(each) for each in sorted(ids)],
            )

    def history(self, run_id: str, name: str) -> list[Metric]:
        """Return all points of a metric."""
        run = read_run(self._fresh(run_id))
        points = [point for page in run.pages for point in self._page(run_id, page)]
        return history([*points, *run.points], name)

    def flush(self) -> None:
        """Write all that waits."""
        self._outbox.flush()

    def _page(self, run_id: str, page: str) -> list[Any]:
        found = self._pages.find(f"{run_id}-{page}")
        if found is None:
            raise MlflowException(
                f"points of run {run_id} are gone: {self._pages.name(f'{run_id}-{page}')}",
                RESOURCE_DOES_NOT_EXIST,
            )
        return list(found.document["points"])

    def _fresh(self, run_id: str) -> Node:
        waiting = self._outbox.of(run_id)
        if waiting is not None:
            waiting.write()
        found = self._nodes.find(run_id)
        if found is None:
            raise MlflowException(f"Run with id={run_id} not found", RESOURCE_DOES_NOT_EXIST)
        return found

    def _waiting(self, run_id: str) -> Waiting:
        known = self._outbox.of(run_id)
        if known is None:
            fresh = Waiting(self._nodes, self._fresh(run_id), self._apply)
            known = self._outbox.keep(fresh)
        return known

    def _active(self, run_id: str) -> Waiting:
        waiting = self._waiting(run_id)
        if not read_run(waiting.node).is_active:
            raise MlflowException(
                f"The run {run_id} must be in the 'active' state. Current state is deleted.",
                INVALID_PARAMETER_VALUE,
            )
        return waiting

    def _seen(self, waiting: Waiting) -> RunDocument:
        """Return the run as it will be when all that waits is written."""
        run = read_run(waiting.node)
        for change in list(waiting.changes):
            change(run)
        return run

    def _check(
        self, run_id: str, run: RunDocument, params: Sequence[Param], tags: Sequence[RunTag]
    ) -> None:
        for param in params:
            was = run.params.get(param.key, str(param.value))
            if was != str(param.value):
                raise MlflowException(
                    "Changing param values is not allowed. Params were already logged="
                    f"'{param.key}': '{was}' for run ID='{run_id}', got '{param.value}'.",
                    INVALID_PARAMETER_VALUE,
                )
        texts = {**run.params, **{each.key: str(each.value) for each in params}}
        texts |= {f"tag {key}": value for key, value in run.tags.items()}
        texts |= {f"tag {each.key}": str(each.value) for each in tags}
        if (size := sum(len(f"{key}{value}".encode()) for key, value in texts.items())) > LONGEST:
            raise MlflowException(
                f"params and tags of a run hold {LONGEST} bytes on Vertex AI, run {run_id} would"
                f" have {size}; log long texts as artifacts",
                INVALID_PARAMETER_VALUE,
            )

    def _apply(self, node: Node, changes: Sequence[Change]) -> Node:
        run = read_run(node)
        for change in changes:
            change(run)
        for suffix, points in cut_pages(run):
            # First the page, then the run that names it: killed between, no point is lost.
            page = Node(f"{node.id}-{suffix}", node.id, written({"points": points}, run=node.id))
            self._pages.create(page)
        return write_run(node, run)

    def _entity(self, node: Node) -> Run:
        run, info = read_run(node), read_run(node).info
        return Run(
            run_info=RunInfo(
                run_id=node.id,
                run_name=info.get("name"),
                experiment_id=as_experiment(info["experiment"]),
                user_id=info.get("user", ""),
                status=run.status,
                start_time=info.get("start", 0),
                end_time=info.get("end"),
                lifecycle_stage=info.get("stage", LifecycleStage.ACTIVE),
                artifact_uri=info.get("artifacts"),
            ),
            run_data=RunData(
                metrics=[as_metric(name, last) for name, last in sorted(run.latest.items())],
                params=[Param(key, value) for key, value in sorted(run.params.items())],
                tags=[RunTag(key, value) for key, value in sorted(run.tags.items())],
            ),
            run_inputs=RunInputs(
                dataset_inputs=[
                    DatasetInput(
                        self._datasets.get(each),
                        [InputTag(key, value) for key, value in sorted(tags.items())],
                    )
                    for each, tags in run.datasets.items()
                ],
                model_inputs=[LoggedModelInput(each) for each in run.inputs],
            ),
            run_outputs=RunOutputs(
                model_outputs=[LoggedModelOutput(each, step) for each, step in run.outputs.items()]
            ),
        )


def set_stage(stage: str) -> Change:
    """Return what deletes or restores a run."""

    def moved(run: RunDocument) -> None:
        run.info["stage"] = stage
        run.info["deleted"] = int(time.time() * 1000) if stage == LifecycleStage.DELETED else None

    return moved
