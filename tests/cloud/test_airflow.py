"""The DAGs under a real Airflow, whose Google operators meet the stand-in for Vertex AI."""

import json
import os
import re
import shutil
import subprocess
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

pytest.importorskip("google.cloud.aiplatform_v1", reason="make install-gcp installs it")

from standins.vertex.faults import Fault
from standins.vertex.server import StandIn

ROOT = Path(__file__).parents[2]
AIRFLOW = ROOT / ".airflow/bin/airflow"
pytestmark = pytest.mark.skipif(not AIRFLOW.exists(), reason="make test-cloud installs it")

SPECIFICATION = {
    "components": {},
    "deploymentSpec": {},
    "pipelineInfo": {"name": "daily"},
    "root": {
        "dag": {"tasks": {}},
        "inputDefinitions": {"parameters": {"as_of": {"parameterType": "STRING"}}},
    },
    "schemaVersion": "2.1.0",
    "sdkVersion": "kfp-2.16.1",
}


class _Bucket(BaseHTTPRequestHandler):
    """Cloud Storage, as far as the SDK asks whether a bucket exists."""

    def do_GET(self):
        """Say that it does."""
        body = json.dumps({"name": "bucket", "location": "EUROPE-WEST1"}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments):
        """Keep quiet."""


class Desk:
    """An Airflow home with the project's DAGs, beside the stand-in.

    Args:
        home: Its folder.
        bucket: Address of the bucket's stand-in.
    """

    def __init__(self, home: Path, bucket: str) -> None:
        self.home = home
        self.jobs: list[tuple[str, dict]] = []
        self.actions = {}
        self.fail_next = 0
        self.vertex = StandIn(self._run)
        address = self.vertex.start()
        dags, compiled = home / "dags", home / "compiled"
        shutil.copytree(ROOT / "dags", dags)
        compiled.mkdir()
        settings = yaml.safe_load((dags / "settings.yml").read_text())
        settings |= {"compiled": str(compiled), "reports": f"file://{home}/reports"}
        settings |= {"look_s": 1, "retry_s": 1}
        (dags / "settings.yml").write_text(yaml.safe_dump(settings))
        for name in ("scam_daily", "scam_retrain", "images_daily", "images_retrain"):
            (compiled / f"{name}.yml").write_text(yaml.safe_dump(SPECIFICATION))
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
            "AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT": json.dumps(
                {
                    "conn_type": "google_cloud_platform",
                    "extra": {"is_anonymous": True, "project": settings["project_id"]},
                }
            ),
            "PYTHONPATH": str(Path(__file__).with_name("airflow_site")),
            "STORAGE_EMULATOR_HOST": bucket,
            "VERTEX_EMULATOR_HOST": address,
        }

    def airflow(self, *arguments: str) -> subprocess.CompletedProcess:
        """Run a command of Airflow."""
        return subprocess.run(
            [AIRFLOW, *arguments],
            check=False,
            cwd=self.home,
            env=self.environment,
            capture_output=True,
            text=True,
        )

    def play(self, dag: str, **params: object) -> str:
        """Run a DAG to its end as a person would start it; returns its state."""
        done = self.airflow("dags", "test", dag, f"--conf={json.dumps(params)}")
        said = done.stdout + done.stderr
        ended = re.findall(r"DagRun Finished: .*? state=(\w+)", said)
        assert ended, said
        return ended[0]

    def _run(self, job, _stop):
        """Do what a pipeline would: note the job, write what was decided."""
        name = job["name"].rpartition("/")[2]
        as_of = job["runtimeConfig"]["parameterValues"]["as_of"]
        self.jobs.append((name, as_of))
        if self.fail_next:
            self.fail_next -= 1
            raise RuntimeError("the container failed")
        model, _, what = job["displayName"].partition("_")
        if what == "daily":
            file = self.home / "reports" / model / "monitoring" / f"{as_of}.json"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps({"action": self.actions.get(as_of, "none")}))


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """Airflow on SQLite, with its DAGs serialized."""
    bucket = ThreadingHTTPServer(("127.0.0.1", 0), _Bucket)
    threading.Thread(target=bucket.serve_forever, daemon=True).start()
    home = Desk(tmp_path_factory.mktemp("airflow"), f"http://127.0.0.1:{bucket.server_port}")
    for command in (("db", "migrate"), ("dags", "reserialize")):
        done = home.airflow(*command)
        assert done.returncode == 0, done.stdout + done.stderr
    yield home
    home.vertex.stop()
    bucket.shutdown()
    bucket.server_close()


def test_the_last_complete_day_is_scored_and_a_quiet_one_ends_there(desk):
    """Without a day given, a run is about yesterday (UTC), and trains nothing."""
    desk.jobs.clear()
    before = datetime.now(UTC).date()
    state = desk.play("scam")
    days = {(each - timedelta(days=1)).isoformat() for each in (before, datetime.now(UTC).date())}
    assert state == "success"
    (job,) = desk.jobs
    assert job[0].startswith("scam-daily")
    assert job[1] in days


def test_a_day_whose_decision_is_to_train_is_trained_for(desk):
    """The branch takes the task that the monitored day names."""
    desk.jobs.clear()
    desk.actions["2026-04-11"] = "retrain"
    assert desk.play("images", as_of="2026-04-11") == "success"
    assert [(name.rpartition("-manual")[0], day) for name, day in desk.jobs] == [
        ("images-daily", "2026-04-11"),
        ("images-retrain", "2026-04-11"),
    ]


def test_faulty_data_call_people_and_train_nothing(desk):
    """A data fault fails the run, which is what alerting looks at."""
    desk.jobs.clear()
    desk.actions["2026-04-12"] = "data_fault"
    assert desk.play("scam", as_of="2026-04-12") == "failed"
    assert [name.rpartition("-manual")[0] for name, _ in desk.jobs] == ["scam-daily"]


def test_training_alone_may_be_asked_for(desk):
    """With "retrain" on, a run trains and scores nothing."""
    desk.jobs.clear()
    assert desk.play("images", as_of="2026-04-13", retrain=True) == "success"
    assert [name.rpartition("-manual")[0] for name, _ in desk.jobs] == ["images-retrain"]


def test_a_lost_answer_starts_no_second_job(desk):
    """The next try finds the job that the lost answer was about, and waits for it."""
    desk.jobs.clear()
    desk.vertex.faults.order("CreatePipelineJob", Fault.LOST)
    assert desk.play("scam", as_of="2026-04-14") == "success"
    assert [name[-2:] for name, _ in desk.jobs] == ["-1"]


def test_a_failed_job_gets_a_successor(desk):
    """A container that failed for good is tried again under another ID."""
    desk.jobs.clear()
    desk.fail_next = 1
    assert desk.play("scam", as_of="2026-04-15") == "success"
    assert [name[-2:] for name, _ in desk.jobs] == ["-1", "-2"]


def test_a_day_that_is_not_over_is_refused(desk):
    """A day of the future starts no job."""
    desk.jobs.clear()
    assert desk.play("scam", as_of="2999-01-01") == "failed"
    assert desk.jobs == []


def test_the_settings_are_those_of_production():
    """What the DAGs are told is what conf/gcp says."""
    settings = yaml.safe_load((ROOT / "dags/settings.yml").read_text())
    vertex = yaml.safe_load((ROOT / "conf/gcp/vertexai.yml").read_text())
    places = yaml.safe_load((ROOT / "conf/gcp/globals.yml").read_text())
    run = vertex["run_config"]
    assert {name: settings[name] for name in ("project_id", "region")} == {
        name: vertex[name] for name in ("project_id", "region")
    }
    assert settings["root"] == f"gs://{run['root']}"
    assert settings["service_accounts"] == {
        name: own["service_account"] for name, own in vertex["pipelines"].items()
    }
    assert settings["network"] == run["network"]["vpc"]
    assert settings["reports"] == f"{places['data_root']}/08_reporting"
