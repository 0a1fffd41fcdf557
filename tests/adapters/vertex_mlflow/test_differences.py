"""Where Vertex AI answers otherwise than SQLite: the list in docs/vertex.md, and nothing hidden."""

import math

import pytest

pytest.importorskip("google.cloud.aiplatform_v1", reason="make install-gcp installs it")

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException


@pytest.fixture
def clients(sqlite_uri, vertex_uri):
    """SQLite's client and Vertex AI's."""
    return [MlflowClient(uri, uri) for uri in (sqlite_uri, vertex_uri)]


def refused(do, *args) -> str:
    """Return the code with which a call is refused."""
    with pytest.raises(MlflowException) as caught:
        do(*args)
    return caught.value.error_code


def test_a_taken_name_has_a_code_of_its_own(clients):
    """SQLite's error of renaming an experiment to a taken name is BAD_REQUEST."""
    codes = []
    for client in clients:
        first = client.create_experiment("taken 1", "file:///x")
        client.create_experiment("taken 2", "file:///x")
        codes.append(refused(client.rename_experiment, first, "taken 2"))
    assert codes == ["BAD_REQUEST", "RESOURCE_ALREADY_EXISTS"]


def test_infinity_stays_infinite(clients):
    """SQLite keeps the largest number instead."""
    values = []
    for client in clients:
        experiment = client.create_experiment("infinite", "file:///x")
        run = client.create_run(experiment).info.run_id
        client.log_metric(run, "loss", math.inf)
        values.append(client.get_run(run).data.metrics["loss"])
    assert values == [1.7976931348623157e308, math.inf]


def test_a_runs_params_and_tags_have_a_limit(clients):
    """Metadata holds 200 KB; SQLite has no limit for all of them."""
    for client, fits in zip(clients, (True, False), strict=True):
        experiment = client.create_experiment("long", "file:///x")
        run = client.create_run(experiment).info.run_id
        for i in range(18):
            client.log_param(run, f"p{i}", "x" * 6_000)
        if fits:
            client.log_param(run, "last", "x" * 6_000)
        else:
            assert refused(client.log_param, run, "last", "x" * 6_000) == "INVALID_PARAMETER_VALUE"
        assert len(client.get_run(run).data.params) == 18 + fits


def test_an_experiment_needs_a_place_for_artifacts(stand_in):
    """There is no folder beside the database that one could fall back to."""
    client = MlflowClient("vertexai://my-project/europe-west1")
    assert refused(client.create_experiment, "placeless") == "INVALID_PARAMETER_VALUE"


@pytest.mark.parametrize(
    "uri",
    ["vertexai://", "vertexai://p", "vertexai://my-project/europe-west1?x=1", "vertexai://X/y"],
)
def test_a_uri_that_is_none_is_refused(stand_in, uri):
    """In one line."""
    with pytest.raises(MlflowException) as caught:
        MlflowClient(uri).search_experiments()
    assert caught.value.error_code == "INVALID_PARAMETER_VALUE"
    assert "\n" not in caught.value.message
