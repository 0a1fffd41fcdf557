"""What people call lands in Vertex AI: MLflow's fluent API, autologging, kedro-mlflow, the UI."""

import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("google.cloud.aiplatform_v1", reason="make install-gcp installs it")

import lightgbm
import mlflow
import numpy as np
import pandas as pd
from google.auth.credentials import AnonymousCredentials
from google.cloud import aiplatform
from mlflow import MlflowClient
from sklearn.linear_model import LogisticRegression

from standins.vertex.loopback import loopback_only
from ucu_mlops.adapters.mlflow_registry import MlflowRegistry
from ucu_mlops.bundle.manifest import LabelSpec, Manifest
from ucu_mlops.bundle.store import Draft, write_bundle

ROOT = Path(__file__).parents[3]
# Of the libraries that MLflow's flavours call, not of this project.
pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.fixture
def tracked(vertex_uri):
    """Let this process track in Vertex AI, and as before afterwards."""
    before = mlflow.get_tracking_uri(), mlflow.get_registry_uri()
    mlflow.set_tracking_uri(vertex_uri)
    mlflow.set_registry_uri(vertex_uri)
    yield MlflowClient()
    while mlflow.active_run():
        mlflow.end_run()
    mlflow.set_tracking_uri(before[0])
    mlflow.set_registry_uri(before[1])


@pytest.fixture
def table():
    """Two columns, one of which tells the label."""
    drawn = np.random.default_rng(0)
    frame = pd.DataFrame(drawn.normal(size=(200, 2)), columns=["a", "b"])
    return frame, (frame["a"] > 0).astype(int)


@pytest.fixture
def sdk(stand_in):
    """Google's own SDK on the stand-in."""
    with loopback_only():
        aiplatform.init(
            project="my-project",
            location="europe-west1",
            api_endpoint=stand_in.address,
            credentials=AnonymousCredentials(),
        )
        yield aiplatform


@pytest.fixture
def unused_port():
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def ask(port: int, method: str, path: str, **body: object) -> dict:
    """Ask a server on this machine."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    headers = {"Content-Type": "application/json"}
    with contextlib.closing(connection):
        connection.request(method, path, json.dumps(body) if body else None, headers)
        text = connection.getresponse().read().decode()
    return json.loads(text) if text.startswith("{") else {}


def wait_for(port: int, process: subprocess.Popen) -> None:
    """Wait until a server answers, or has ended."""
    while process.poll() is None:
        with contextlib.suppress(ConnectionRefusedError):
            ask(port, "GET", "/health")
            return
        time.sleep(0.2)
    pytest.fail("the server has ended")


def test_the_scheme_is_this_packages_and_costs_nothing_unused():
    """MLflow loads the entry points of every scheme; no cloud library comes with them."""
    code = (
        "import sys, mlflow\n"
        "from mlflow.tracking._tracking_service.utils import _tracking_store_registry as known\n"
        "print('vertexai' in known._registry, 'google.cloud.aiplatform_v1' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["True", "False"]


def test_scikit_learns_autologging(tracked, table):
    """Params, metrics, the data set and the model of a fit are there, and the model predicts."""
    mlflow.set_experiment("autolog-sklearn")
    mlflow.sklearn.autolog(log_datasets=True)
    try:
        with mlflow.start_run() as run:
            LogisticRegression(C=0.5).fit(*table)
    finally:
        mlflow.sklearn.autolog(disable=True)
    found = tracked.get_run(run.info.run_id)
    assert found.data.params["C"] == "0.5"
    assert found.data.metrics["training_accuracy_score"] > 0.9
    assert [each.dataset.name for each in found.inputs.dataset_inputs] == ["dataset"]
    (made,) = found.outputs.model_outputs
    model = mlflow.sklearn.load_model(f"models:/{made.model_id}")
    assert (model.predict(table[0]) == table[1]).mean() > 0.9
    assert {each.key for each in tracked.get_logged_model(made.model_id).metrics} >= {
        "training_accuracy_score"
    }


def test_lightgbms_autologging(tracked, table):
    """Each round's metric is in the history."""
    mlflow.set_experiment("autolog-lightgbm")
    mlflow.lightgbm.autolog(log_models=False, log_datasets=False)
    try:
        with mlflow.start_run() as run:
            data = lightgbm.Dataset(table[0], table[1])
            lightgbm.train(
                {"objective": "binary", "metric": "auc", "verbose": -1, "num_threads": 1},
                data,
                num_boost_round=12,
                valid_sets=[data],
                valid_names=["train"],
            )
    finally:
        mlflow.lightgbm.autolog(disable=True)
    history = tracked.get_metric_history(run.info.run_id, "train-auc")
    assert [each.step for each in history] == list(range(12))


def test_a_logged_model_is_registered_and_loaded_by_its_alias(tracked, table):
    """From log_model to models:/NAME@ALIAS."""
    mlflow.set_experiment("models")
    with mlflow.start_run():
        fitted = LogisticRegression().fit(*table)
        mlflow.sklearn.log_model(
            fitted, name="model", registered_model_name="scam detector", input_example=table[0][:2]
        )
    tracked.set_registered_model_alias("scam detector", "champion", "1")
    loaded = mlflow.sklearn.load_model("models:/scam detector@champion")
    assert (loaded.predict(table[0]) == fitted.predict(table[0])).all()


def test_bundles_are_registered_and_aliases_repeat_the_ledger(tracked, vertex_uri, tmp_path):
    """The project's own registry works over it as it does over SQLite."""
    manifest = Manifest(
        model="scam",
        kind="model",
        as_of="2026-01-01",
        features=(),
        labels=(LabelSpec("scam", 0.5),),
        training={"training_id": "t1"},
    )
    bundle = write_bundle(Draft(manifest, {"model.onnx": b"one"}), tmp_path / "draft")
    registry = MlflowRegistry(vertex_uri, tmp_path / "artifacts")
    version = registry.register(bundle, "scam")
    assert registry.register(bundle, "scam") == version
    registry.challenge("scam", version)
    assert registry.version_of("scam", "challenger") == version
    fetched = registry.fetch("scam", version, tmp_path / "cache")
    assert fetched.read_bytes("model.onnx") == b"one"


def test_googles_sdk_reads_the_same_figures(tracked, sdk):
    """`aiplatform.get_experiment_df` shows params, latest metrics and states of MLflow's runs."""
    mlflow.set_experiment("same-figures")
    for rate in (0.1, 0.2):
        with mlflow.start_run(run_name=f"rate {rate}"):
            mlflow.log_param("rate", rate)
            for step in range(5):
                mlflow.log_metric("loss", rate / (step + 1), step=step)
    ours = mlflow.search_runs(experiment_names=["same-figures"]).set_index("tags.mlflow.runName")
    theirs = sdk.get_experiment_df("same-figures").set_index("run_name")
    assert sorted(theirs.index) == sorted(ours.index)
    theirs = theirs.loc[ours.index]
    assert (theirs["metric.loss"] == ours["metrics.loss"]).all()
    assert (theirs["param.rate"] == ours["params.rate"]).all()
    assert set(theirs["state"]) == {"COMPLETE"}


def test_runs_of_googles_sdk_are_runs_here(tracked, sdk):
    """What was logged without MLflow is found by it."""
    sdk.init(
        project="my-project",
        location="europe-west1",
        experiment="of-the-sdk",
        experiment_tensorboard=False,
    )
    with sdk.start_run("first"):
        sdk.log_params({"depth": 3, "kind": "tree"})
        sdk.log_metrics({"auc": 0.75})
    experiment = tracked.get_experiment_by_name("of-the-sdk")
    (run,) = tracked.search_runs([experiment.experiment_id], "metrics.auc > 0.7")
    assert (run.info.run_name, run.info.status) == ("first", "FINISHED")
    assert run.data.params["kind"] == "tree"


def test_a_thousand_metrics_need_fewer_requests_than_the_plain_sdk(tracked, sdk, stand_in):
    """At most twice as many is asked for; batches make it few."""
    calls = stand_in.faults.calls
    sdk.init(
        project="my-project",
        location="europe-west1",
        experiment="requests-of-the-sdk",
        experiment_tensorboard=False,
    )
    with sdk.start_run("first"):
        before = calls.total()
        for step in range(1_000):
            sdk.log_metrics({"loss": 1 / (step + 1)})
        theirs = calls.total() - before
    mlflow.set_experiment("requests")
    with mlflow.start_run():
        before = calls.total()
        for step in range(1_000):
            mlflow.log_metric("loss", 1 / (step + 1), step=step)
    ours = calls.total() - before  # the end of the run included
    assert theirs >= 1_000
    assert ours <= theirs / 10


def test_mlflows_ui_shows_the_runs(tracked, vertex_uri, stand_in, unused_port, tmp_path):
    """`mlflow server` over the store answers what its pages ask for."""
    mlflow.set_experiment("in-the-ui")
    with mlflow.start_run(run_name="seen"):
        mlflow.log_metric("loss", 0.5, step=1)
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "mlflow", "server", "--backend-store-uri", vertex_uri),
            *("--host", "127.0.0.1", "--port", str(unused_port), "--workers", "1"),
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        cwd=tmp_path,
        stdout=(tmp_path / "log").open("wb"),
        stderr=subprocess.STDOUT,
    )
    api = "/ajax-api/2.0/mlflow"
    try:
        wait_for(unused_port, server)
        named = {"max_results": 100, "filter": "name = 'in-the-ui'"}
        found = ask(unused_port, "POST", f"{api}/experiments/search", **named)
        chosen = {"experiment_ids": [found["experiments"][0]["experiment_id"]], "max_results": 9}
        (run,) = ask(unused_port, "POST", f"{api}/runs/search", **chosen)["runs"]
        assert run["info"]["run_name"] == "seen"
        query = f"run_ids={run['info']['run_id']}&metric_key=loss"
        history = f"{api}/metrics/get-history-bulk-interval?{query}"
        (point,) = ask(unused_port, "GET", history)["metrics"]
        assert (point["value"], point["step"]) == (0.5, 1)
    finally:
        server.terminate()
        server.wait()
