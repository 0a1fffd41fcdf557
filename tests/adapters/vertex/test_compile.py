"""What `kedro vertex compile` writes: the same each time, without a shell, a cache or a secret."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

pytest.importorskip("kedro_vertexai", reason="make install-gcp installs it")

from kedro.framework.context import KedroContext

from ucu_mlops.adapters.vertex.compile import compile_pipeline
from ucu_mlops.adapters.vertex.session import open_session
from ucu_mlops.errors import ConfigurationError
from ucu_mlops.pipeline_registry import register_pipelines

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def context() -> KedroContext:
    """The project in production."""
    with open_session(ROOT, "gcp", {}) as session:
        return session.load_context()


@pytest.fixture(scope="module")
def daily(context: KedroContext) -> dict:
    """The compiled daily pipeline."""
    return yaml.safe_load(compile_pipeline(context, "scam_daily"))


def tasks(job: dict) -> dict:
    """Return the tasks of a job's graph."""
    return job["pipelineSpec"]["root"]["dag"]["tasks"]


def containers(job: dict) -> list[dict]:
    """Return what each task runs."""
    executors = job["pipelineSpec"]["deploymentSpec"]["executors"].values()
    return [each["container"] for each in executors]


def test_daily_scoring_takes_two_containers(daily):
    """Features, then scoring and watching together: a container takes minutes to start."""
    assert {name: each.get("dependentTasks", []) for name, each in tasks(daily).items()} == {
        "features": [],
        "scoring": ["features"],
    }


def test_every_node_runs_in_one_container(daily):
    """No node is lost between the groups, none runs twice."""
    ran = [
        node
        for each in containers(daily)
        for variable in each["env"]
        if variable["name"] == "UCU_NODES"
        for node in yaml.safe_load(variable["value"])
    ]
    assert sorted(ran) == sorted(node.name for node in register_pipelines()["scam_daily"].nodes)


@pytest.mark.parametrize("pipeline", sorted(register_pipelines()))
def test_every_registered_pipeline_compiles_without_a_network(context, pipeline, monkeypatch):
    """Whatever tries to connect fails: no credentials are looked for, no service is asked."""

    def refuse(*_: object) -> None:
        raise AssertionError("compiling asked the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert yaml.safe_load(compile_pipeline(context, pipeline))["displayName"] == pipeline


def test_two_processes_write_the_same_bytes(tmp_path):
    """The order of sets, which differs from process to process, leaves no trace."""
    written = []
    for seed in ("1", "2"):
        output = tmp_path / seed
        arguments = ["--env=gcp", "--pipeline=__default__", f"--output={output}"]
        subprocess.run(
            [sys.executable, "-m", "ucu_mlops", "vertex", "compile", *arguments],
            check=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
        )
        written.append(output.read_bytes())
    assert written[0] == written[1]


def test_nothing_is_cached(daily):
    """A run that writes today's cases must not be answered from yesterday's."""
    assert [each.get("cachingOptions") for each in tasks(daily).values()] == [{}, {}]


def test_no_shell_is_started(daily):
    """Command and arguments are handed to the process as they are; parameters are one of them."""
    for each in containers(daily):
        assert each["command"][0] == "timeout"
        assert each["args"][:3] == ["python", "-m", "ucu_mlops.adapters.vertex.task"]
        assert "{{$}}" in each["args"]
        assert not [part for part in (*each["command"], *each["args"]) if "sh" in part.split("/")]


def test_no_value_of_a_parameter_is_frozen(daily):
    """Parameters are declared, typed and optional; the image's conf/ has the others."""
    declared = daily["pipelineSpec"]["root"]["inputDefinitions"]["parameters"]
    assert declared["as_of"] == {
        "description": "date",
        "isOptional": True,
        "parameterType": "STRING",
    }
    assert all("defaultValue" not in each for each in declared.values())


def test_the_job_has_labels_account_network_and_place(daily):
    """What kedro-vertexai takes at submission only is in the file, for people and for tools."""
    assert daily["labels"]["team"] == "moderation"
    assert daily["serviceAccount"] == "scoring@ucu-mlops-prod.iam.gserviceaccount.com"
    assert daily["network"].startswith("projects/")
    assert daily["runtimeConfig"]["gcsOutputDirectory"].startswith("gs://")


def test_a_pipeline_runs_as_its_own_account_or_as_all_others(context):
    """Training has an account of its own; what names none has the default's, and its network."""
    jobs = {
        name: yaml.safe_load(compile_pipeline(context, name))
        for name in ("scam_retrain", "simulation")
    }
    accounts = {name: each["serviceAccount"].partition("@")[0] for name, each in jobs.items()}
    assert accounts == {"scam_retrain": "training", "simulation": "pipelines"}
    assert len({each["network"] for each in jobs.values()}) == 1


def test_a_group_has_what_its_configuration_says(context):
    """Training has a machine and a time-out of its own; retries back off."""
    job = yaml.safe_load(compile_pipeline(context, "scam_retrain"))
    container = job["pipelineSpec"]["deploymentSpec"]["executors"]["exec-training"]["container"]
    assert container["resources"]["resourceCpuLimit"] == "8"
    assert container["command"] == ["timeout", "--kill-after=30", "14400"]
    assert tasks(job)["training"]["retryPolicy"] == {
        "maxRetryCount": 2,
        "backoffDuration": "30s",
        "backoffFactor": 2.0,
        "backoffMaxDuration": "300s",
    }


def test_credentials_are_not_in_the_file(context, tmp_path, monkeypatch):
    """Neither conf/local's credentials nor the caller's environment get into it."""
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "hunter2-of-the-environment")
    monkeypatch.setenv("KEDRO_GLOBALS_PATTERN", "hunter2-of-kedro")
    text = compile_pipeline(context, "scam_retrain")
    assert "hunter2" not in text


def test_an_unknown_pipeline_is_refused(context):
    """The message names the one that was probably meant."""
    with pytest.raises(
        ConfigurationError, match="no pipeline 'scam_dayly'; did you mean scam_daily"
    ):
        compile_pipeline(context, "scam_dayly")
