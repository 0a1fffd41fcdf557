"""A training that was decided on runs where the environment says: here, or as a job."""

from datetime import date
from pathlib import Path

import pytest
import yaml

from ucu_mlops.errors import ConfigurationError
from ucu_mlops.loop.here import RunHere
from ucu_mlops.loop.listener import listen
from ucu_mlops.loop.project import Project
from ucu_mlops.loop.triggers import trigger_of

DAY = date(2026, 4, 1)


@pytest.fixture
def place(checkout):
    """Return what changes a line of the tiny environment's places, and gives the project."""
    file = checkout / "conf/test/globals.yml"
    shipped = file.read_text()

    def change(name: str, value: str) -> Project:
        lines = [
            f"{name}: {value}" if line.startswith(f"{name}:") else line
            for line in shipped.split("\n")
        ]
        file.write_text("\n".join(lines))
        return Project(checkout, env="test")

    yield change
    file.write_text(shipped)


def test_at_the_desk_it_runs_here(project):
    """What is shipped needs no cloud."""
    assert isinstance(trigger_of(project), RunHere)


def test_in_production_a_job_is_submitted(place, monkeypatch):
    """One job per model and day, of the very file that `kedro vertex compile` writes."""
    pytest.importorskip("kedro_vertexai", reason="make install-gcp installs it")
    from standins.vertex.server import StandIn  # noqa: PLC0415 (an extra's packages)

    ran = []
    stand_in = StandIn(lambda job, _stop: ran.append(job))
    monkeypatch.setenv("VERTEX_EMULATOR_HOST", stand_in.start())
    try:
        trigger = trigger_of(place("trigger", "vertex"))
        for _ in range(2):
            trigger.retrain("scam", DAY)
    finally:
        stand_in.stop()
    (job,) = ran
    assert job["name"].endswith("/pipelineJobs/scam-retrain-2026-04-01")
    assert job["runtimeConfig"]["parameterValues"] == {"as_of": "2026-04-01"}
    assert "training" in job["pipelineSpec"]["root"]["dag"]["tasks"]


def test_production_names_vertex():
    """`--env=gcp` trains nothing on the machine that listens."""
    conf = Path(__file__).parents[2] / "conf"
    assert yaml.safe_load((conf / "gcp/globals.yml").read_text())["trigger"] == "vertex"


def test_another_word_is_refused(place):
    """One line with the words that there are."""
    with pytest.raises(ConfigurationError, match=r"trigger must be one of .*got 'airflow'$"):
        trigger_of(place("trigger", "airflow"))


def test_an_inbox_in_the_cloud_is_refused(place):
    """SQLite needs a disk; a folder called `gs:` would be made otherwise."""
    project = place("inbox", "gs://bucket/inbox")
    with pytest.raises(ConfigurationError, match=r"inbox gs://bucket/inbox must be a file on"):
        listen(project, "127.0.0.1", 0)
