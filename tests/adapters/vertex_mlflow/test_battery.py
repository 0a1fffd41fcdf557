"""MLflow answers the same over Vertex AI as over its own SQLite store.

Each scenario is played through the client of both; what comes back must be equal, after IDs are
replaced by the order of their appearance and times of the clock are left out.
"""

import math
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("google.cloud.aiplatform_v1", reason="make install-gcp installs it")

from mlflow import MlflowClient
from mlflow.entities import (
    Dataset,
    DatasetInput,
    Experiment,
    InputTag,
    LoggedModel,
    LoggedModelInput,
    LoggedModelOutput,
    LoggedModelStatus,
    Metric,
    Param,
    Run,
    RunTag,
    ViewType,
)
from mlflow.entities.model_registry import ModelVersion, RegisteredModel
from mlflow.exceptions import MlflowException


class Told:
    """Plays scenarios on one store and writes down what it answers.

    Args:
        uri: The store.
        name: Prefix of all names, so that scenarios do not meet.
    """

    def __init__(self, uri: str, name: str) -> None:
        self.client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        self.name = name
        self.answers: list[Any] = []
        self._ids: dict[str, str] = {}

    def experiment(self, suffix: str = "") -> str:
        """Make an experiment."""
        return self.known(self.client.create_experiment(f"{self.name}{suffix}", "file:///x"))

    def run(self, experiment: str, **given: Any) -> str:
        """Make a run."""
        given = {"run_name": "fine", "start_time": 1_000, **given}
        return self.known(self.client.create_run(experiment, **given).info.run_id)

    def known(self, identity: str) -> str:
        """Give an ID a name by its order."""
        self._ids.setdefault(str(identity), f"#{len(self._ids)}")
        return identity

    def tell(self, answer: Any) -> Any:
        """Write an answer down."""
        self.answers.append(self._plain(answer))
        return answer

    def refused(self, do: Callable[..., Any], *args: Any, **given: Any) -> None:
        """Write down with which code something is refused."""
        with pytest.raises(MlflowException) as caught:
            do(*args, **given)
        self.answers.append(("refused", caught.value.error_code))

    def _plain(self, answer: Any) -> Any:
        for kind, read in (
            *((Experiment, self._experiment), (Run, self._run), (Metric, self._metric)),
            *((LoggedModel, self._logged_model), (RegisteredModel, self._registered_model)),
            *((ModelVersion, self._version), (str, self._own)),
            (list | tuple, lambda each: [self._plain(one) for one in each]),
        ):
            if isinstance(answer, kind):
                return read(answer)
        return self._number(answer)

    def _experiment(self, found: Experiment) -> dict[str, Any]:
        fields = ("name", "lifecycle_stage", "artifact_location", "tags")
        return {each: getattr(found, each) for each in fields}

    def _run(self, found: Run) -> dict[str, Any]:
        info = found.info
        fields = ("run_name", "status", "start_time", "end_time", "lifecycle_stage", "user_id")
        return {
            "ids": [self._ids[info.run_id], self._ids[info.experiment_id]],
            **{each: getattr(info, each) for each in fields},
            "place": self._own(info.artifact_uri),
            "metrics": found.data.metrics,
            "params": found.data.params,
            "tags": found.data.tags,
            "datasets": [
                [dict(each.dataset), sorted((tag.key, tag.value) for tag in each.tags)]
                for each in found.inputs.dataset_inputs
            ],
            "inputs": [self._ids[each.model_id] for each in found.inputs.model_inputs],
            "outputs": [
                [self._ids[each.model_id], each.step] for each in found.outputs.model_outputs
            ],
        }

    def _logged_model(self, found: LoggedModel) -> dict[str, Any]:
        return {
            "id": self._ids[found.model_id],
            "name": found.name,
            "run": self._own(found.source_run_id),
            "place": self._own(found.artifact_location),
            "status": str(found.status),
            "type": found.model_type,
            "tags": {k: v for k, v in found.tags.items() if not k.startswith("mlflow.")},
            "params": found.params,
            "metrics": sorted(
                (each.key, each.value, each.step, each.timestamp, each.dataset_name or "")
                for each in found.metrics or ()
            ),
        }

    def _metric(self, found: Metric) -> tuple[Any, ...]:
        return found.key, self._number(found.value), found.timestamp, found.step

    def _registered_model(self, found: RegisteredModel) -> dict[str, Any]:
        return {
            "name": found.name,
            "description": found.description,
            "tags": found.tags,
            "aliases": {alias: str(number) for alias, number in found.aliases.items()},
            "latest": sorted(str(each.version) for each in found.latest_versions),
        }

    def _version(self, found: ModelVersion) -> dict[str, Any]:
        fields = ("name", "description", "source", "run_link", "status", "current_stage")
        return {
            **{each: getattr(found, each) for each in fields},
            "version": str(found.version),
            "run": self._own(found.run_id),
            "tags": found.tags,
            "aliases": sorted(found.aliases),
        }

    def _own(self, text: str | None) -> str | None:
        for identity, name in sorted(self._ids.items(), key=lambda each: -len(each[0])):
            text = text.replace(identity, name) if text and len(identity) > 3 else text
        return text

    def _number(self, value: Any) -> Any:
        return "nan" if isinstance(value, float) and math.isnan(value) else value


def experiments(told: Told) -> None:
    """Experiments are made once, found by name and ID, renamed, tagged, deleted and restored."""
    client, name = told.client, told.name
    first = told.experiment()
    told.tell(client.get_experiment(first))
    told.tell(client.get_experiment_by_name(name))
    told.tell(client.get_experiment_by_name(f"{name} none"))
    told.refused(client.create_experiment, name)
    told.refused(client.get_experiment, "987654")
    told.refused(client.create_experiment, "")
    client.set_experiment_tag(first, "team", "moderation: Київ")
    client.set_experiment_tag(first, "a tag/with.dots", "x")
    client.delete_experiment_tag(first, "a tag/with.dots")
    told.refused(client.delete_experiment_tag, first, "a tag/with.dots")
    other = told.experiment(" & others")
    client.rename_experiment(first, f"{name} renamed")
    told.tell(client.get_experiment(first))
    told.tell(client.get_experiment_by_name(f"{name} renamed"))
    told.tell(client.get_experiment_by_name(name))
    told.experiment()
    client.delete_experiment(other)
    told.refused(client.create_run, other)
    told.refused(client.set_experiment_tag, other, "a", "b")
    told.tell(client.get_experiment(other))
    for view in (ViewType.ACTIVE_ONLY, ViewType.DELETED_ONLY, ViewType.ALL):
        told.tell(client.search_experiments(view, filter_string=f"name LIKE '{name}%'"))
    told.tell(client.search_experiments(filter_string="tags.team = 'moderation: Київ'"))
    client.restore_experiment(other)
    told.tell(client.get_experiment(other))
    page = client.search_experiments(
        max_results=2, filter_string=f"name LIKE '{name}%'", order_by=["name ASC"]
    )
    told.tell(page)
    told.tell(
        client.search_experiments(
            max_results=2,
            filter_string=f"name LIKE '{name}%'",
            order_by=["name ASC"],
            page_token=page.token,
        )
    )


def runs(told: Told) -> None:
    """Runs keep name, status, times, params, tags; params are written once."""
    client = told.client
    run = told.run(told.experiment(), tags={"mlflow.user": "ann", "plain": "yes"})
    told.tell(client.get_run(run))
    client.log_param(run, "depth", 7)
    client.log_param(run, "depth", "7")
    told.refused(client.log_param, run, "depth", 8)
    told.refused(client.log_batch, run, [], [Param("a", "1"), Param("a", "2")], [])
    told.refused(client.log_batch, run, [Metric("m", 1.0, 1, 1)], [Param("depth", "9")], [])
    told.refused(client.log_param, run, "", 1)
    told.refused(client.log_metric, run, "m", "much")
    client.set_tag(run, "note", "two\nlines, “quotes”, 'apostrophes' and {braces}")
    client.set_tag(run, "note", "changed")
    client.set_tag(run, "away", "soon")
    client.delete_tag(run, "away")
    told.refused(client.delete_tag, run, "away")
    told.tell(client.get_run(run))
    client.set_tag(run, "mlflow.runName", "renamed by a tag")
    told.tell(client.get_run(run).info.run_name)
    client.update_run(run, name="renamed")
    client.set_terminated(run, "FAILED", 5_000)
    told.tell(client.get_run(run))
    client.log_metric(run, "late", 1.0, timestamp=6_000)
    told.tell(client.get_run(run))
    client.delete_run(run)
    told.tell(client.get_run(run))
    told.refused(client.log_metric, run, "m", 1.0)
    told.refused(client.set_tag, run, "a", "b")
    client.restore_run(run)
    client.update_run(run, status="FINISHED")
    told.tell(client.get_run(run))
    told.refused(client.get_run, "0123456789abcdef0123456789abcdef")
    told.refused(client.log_metric, "0123456789abcdef0123456789abcdef", "m", 1.0)


def points(told: Told) -> None:
    """A metric's history is whole: equal steps, equal points once, disorder, no number."""
    client = told.client
    run = told.run(told.experiment())
    for value, timestamp, step in [
        *((0.1, 10, 0), (0.2, 20, 1), (0.2, 20, 1), (0.15, 20, 1), (1 / 3, 5, 2), (0.9, 30, -1)),
        *((math.nan, 40, 3), (-0.0, 50, 3), (1e-300, 60, 2**40)),
    ]:
        client.log_metric(run, "loss", value, timestamp=timestamp, step=step)
    client.log_batch(
        run,
        [Metric("val/auc: at 10", float(i), 100 - i, i) for i in range(50)],
        [Param(f"p{i}", str(i)) for i in range(50)],
        [RunTag(f"t{i}", str(i)) for i in range(50)],
    )
    told.tell(client.get_metric_history(run, "loss"))
    told.tell(client.get_metric_history(run, "val/auc: at 10"))
    told.tell(client.get_metric_history(run, "none"))
    told.tell(client.get_run(run))
    client.log_metric(run, "last", math.nan, timestamp=1, step=1)
    client.log_metric(run, "last", 2.0, timestamp=1, step=0)
    told.tell([client.get_run(run).data.metrics["last"]])


def many_points(told: Told) -> None:
    """A history longer than a node of metadata is whole, too."""
    client = told.client
    run = told.run(told.experiment())
    for start in range(0, 6_000, 1_000):
        steps = range(start, start + 1_000)
        client.log_batch(run, [Metric("loss", 1 / (i + 1), 1_000 + i, i) for i in steps])
        client.log_batch(run, [Metric("loss", 1 / (i + 1), 1_000 + i, i) for i in steps])
    told.tell(client.get_metric_history(run, "loss"))
    told.tell(client.get_run(run))


def searches(told: Told) -> None:
    """Runs are found by metrics, params, tags and attributes, in order, by page."""
    client = told.client
    first, second = told.experiment(" a"), told.experiment(" b")
    for i in range(7):
        run = told.run(first if i % 2 else second, run_name=f"run {i}", start_time=100 + i)
        client.log_batch(
            run, [Metric("auc", i / 7, 1, 1)], [Param("depth", str(i % 3))], [RunTag("k", f"v{i}")]
        )
        if i == 5:
            client.delete_run(run)
        if i == 6:
            client.set_terminated(run, "FINISHED", 500)
    for condition in (
        *("", "metrics.auc > 0.3", "params.depth = '1'", "tags.k LIKE 'v%' AND metrics.auc < 0.5"),
        *("attributes.status = 'FINISHED'", "attributes.run_name = 'run 3'", "metrics.none > 0"),
        *("start_time >= 103", "params.depth != '1'", "attributes.run_id LIKE '%'"),
    ):
        told.tell(client.search_runs([first, second], condition))
    told.tell(client.search_runs([first], run_view_type=ViewType.DELETED_ONLY))
    told.tell(client.search_runs([first], run_view_type=ViewType.ALL))
    for order in (["metrics.auc DESC"], ["params.depth ASC", "start_time DESC"], ["tags.k"]):
        told.tell(client.search_runs([first, second], order_by=order))
    page = client.search_runs([first, second], max_results=4)
    told.tell(page)
    told.tell(client.search_runs([first, second], max_results=4, page_token=page.token))
    told.refused(client.search_runs, [first], "metrics.auc >")
    told.refused(client.search_runs, [first], max_results=-1)


def nested(told: Told) -> None:
    """A run inside a run is found by its parent."""
    client = told.client
    experiment = told.experiment()
    parent = told.run(experiment)
    child = told.run(experiment, tags={"mlflow.parentRunId": parent})
    client.log_metric(child, "fold", 1.0, timestamp=1)
    found = client.search_runs([experiment], f"tags.mlflow.parentRunId = '{parent}'")
    told.tell([told._ids[each.info.run_id] for each in found])
    told.tell([told._ids[client.get_parent_run(child).info.run_id]])
    client.delete_experiment(experiment)
    told.tell([client.get_run(parent).info.lifecycle_stage])
    client.restore_experiment(experiment)
    told.tell([client.get_run(child).info.lifecycle_stage])


def inputs(told: Told) -> None:
    """A run's data sets and models, used and made, come back with it."""
    client = told.client
    experiment = told.experiment()
    run = told.run(experiment)
    events = Dataset("events", "d1g3st", "local", '{"uri": "x"}', '{"columns": []}', '{"rows": 9}')
    client.log_inputs(run, [DatasetInput(events, [InputTag("mlflow.data.context", "training")])])
    client.log_inputs(run, [DatasetInput(events, [InputTag("mlflow.data.context", "training")])])
    model = client.create_logged_model(experiment, "scam", run, {"a": "1"}, {"depth": "3"}, "onnx")
    told.known(model.model_id)
    told.tell(model)
    client.log_inputs(run, models=[LoggedModelInput(model.model_id)])
    client.log_outputs(run, [LoggedModelOutput(model.model_id, 4)])
    told.tell(client.get_run(run))


def logged_models(told: Told) -> None:
    """Logged models have a status, params, tags, metrics of data sets, and can be found."""
    client = told.client
    experiment = told.experiment()
    run = told.run(experiment)
    model = client.create_logged_model(experiment, "scam", run, model_type="onnx")
    told.known(model.model_id)
    client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
    client.set_logged_model_tags(model.model_id, {"stage": "first", "gone": "x"})
    client.delete_logged_model_tag(model.model_id, "gone")
    told.refused(client.delete_logged_model_tag, model.model_id, "gone")
    client.log_model_params(model.model_id, {"trees": "100"})
    client.log_metric(run, "auc", 0.75, step=1, timestamp=9, model_id=model.model_id)
    client.log_metric(
        run, "auc", 0.5, 2, 8, dataset_name="d", dataset_digest="1", model_id=model.model_id
    )
    told.tell(client.get_logged_model(model.model_id))
    other = client.create_logged_model(experiment, "other")
    told.known(other.model_id)
    for condition in ("", "name = 'scam'", "metrics.auc > 0.6", "params.trees = '100'"):
        told.tell(
            client.search_logged_models(
                [experiment], condition, order_by=[{"field_name": "name", "ascending": True}]
            )
        )
    client.delete_logged_model(other.model_id)
    told.refused(client.get_logged_model, other.model_id)
    told.refused(client.get_logged_model, "m-00000000000000000000000000000000")
    told.tell(client.search_logged_models([experiment]))


def registered_models(told: Told) -> None:
    """Registered models are made once, described, tagged, renamed, found and deleted."""
    client, name = told.client, told.name
    told.tell(client.create_registered_model(name, {"team": "Київ", "x": "1"}, "first"))
    told.refused(client.create_registered_model, name)
    told.refused(client.create_registered_model, "")
    told.refused(client.get_registered_model, f"{name} none")
    client.update_registered_model(name, "described")
    client.set_registered_model_tag(name, "Upper Case", "as it is")
    client.delete_registered_model_tag(name, "x")
    client.delete_registered_model_tag(name, "never was")
    told.tell(client.get_registered_model(name))
    client.create_registered_model(f"{name} b")
    told.refused(client.rename_registered_model, name, f"{name} b")
    told.tell(client.rename_registered_model(name, f"{name} c"))
    told.refused(client.get_registered_model, name)
    told.tell(client.create_registered_model(name))
    for condition in (f"name LIKE '{name}%'", f"name = '{name} c'", "tags.team = 'Київ'"):
        told.tell(client.search_registered_models(condition, order_by=["name ASC"]))
    page = client.search_registered_models(f"name LIKE '{name}%'", 2)
    told.tell(page)
    told.tell(client.search_registered_models(f"name LIKE '{name}%'", 2, page_token=page.token))
    client.delete_registered_model(f"{name} b")
    told.refused(client.get_registered_model, f"{name} b")
    told.refused(client.delete_registered_model, f"{name} b")
    told.tell(client.search_registered_models(f"name LIKE '{name}%'", order_by=["name ASC"]))


def versions(told: Told) -> None:
    """Versions are numbered, tagged, described, found and deleted; numbers are not given twice."""
    client, name = told.client, told.name
    run = told.run(told.experiment())
    client.create_registered_model(name)
    for i in range(3):
        told.tell(
            client.create_model_version(
                name, f"file:///x/{i}", run, {"sha": f"{i}", "Text": "Ünï cödé"}, None, f"no {i}"
            )
        )
    told.refused(client.create_model_version, f"{name} none", "file:///x")
    told.refused(client.get_model_version, name, "9")
    client.set_model_version_tag(name, "2", "checked", "yes")
    client.delete_model_version_tag(name, "2", "sha")
    client.update_model_version(name, "2", "changed")
    told.tell(client.get_model_version(name, "2"))
    told.tell([client.get_model_version_download_uri(name, "1")])
    for condition in (
        *(f"name = '{name}'", f"name = '{name}' AND tags.sha = '1'", f"run_id = '{run}'"),
    ):
        told.tell(client.search_model_versions(condition, order_by=["version_number ASC"]))
    client.delete_model_version(name, "3")
    told.refused(client.get_model_version, name, "3")
    told.tell(client.create_model_version(name, "file:///x/3"))
    client.delete_model_version(name, "1")
    told.tell(client.get_registered_model(name))
    client.delete_model_version(name, "2")
    client.delete_model_version(name, "4")
    told.tell(client.search_model_versions(f"name = '{name}'"))
    told.tell(client.create_model_version(name, "file:///x/4"))
    client.delete_registered_model(name)
    client.create_registered_model(name)
    told.tell(client.create_model_version(name, "file:///x/5"))


def aliases(told: Told) -> None:
    """An alias stands for one version at a time, also one that Vertex AI has no place for."""
    client, name = told.client, told.name
    client.create_registered_model(name)
    client.create_model_version(name, "file:///x/1")
    client.create_model_version(name, "file:///x/2")
    for alias in ("champion", "Champion_2", "default", "previous", "x"):
        client.set_registered_model_alias(name, alias, "1")
        told.tell(client.get_model_version_by_alias(name, alias))
        client.set_registered_model_alias(name, alias, "2")
        client.set_registered_model_alias(name, alias, "2")
        told.tell(client.get_model_version_by_alias(name, alias))
    client.set_registered_model_alias(name, "previous", "1")
    told.tell(client.get_registered_model(name))
    told.tell(client.get_model_version(name, "2"))
    told.tell(client.search_registered_models(f"name = '{name}'"))
    told.tell(client.search_model_versions(f"name = '{name}'", order_by=["version_number ASC"]))
    client.delete_registered_model_alias(name, "champion")
    client.delete_registered_model_alias(name, "champion")
    client.delete_registered_model_alias(name, "Champion_2")
    told.refused(client.get_model_version_by_alias, name, "champion")
    told.refused(client.set_registered_model_alias, name, "champion", "7")
    told.refused(client.set_registered_model_alias, name, "latest", "1")
    told.refused(client.set_registered_model_alias, name, "v1", "1")
    client.delete_model_version(name, "1")
    told.refused(client.get_model_version_by_alias, name, "previous")
    told.tell(client.get_registered_model(name))


SCENARIOS = [
    *(experiments, runs, points, many_points, searches, nested, inputs, logged_models),
    *(registered_models, versions, aliases),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.__name__)
def test_the_answers_are_those_of_sqlite(scenario, sqlite_uri, vertex_uri):
    """What a scenario reads back, and with which codes it is refused, is equal."""
    answers = []
    for uri in (sqlite_uri, vertex_uri):
        told = Told(uri, scenario.__name__)
        scenario(told)
        answers.append(told.answers)
    assert len(answers[0]) == len(answers[1])
    for i, (expected, found) in enumerate(zip(*answers, strict=True)):
        assert found == expected, f"answer {i}"
