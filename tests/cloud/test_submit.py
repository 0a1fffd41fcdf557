"""`kedro vertex submit | status | cancel | schedule`, as typed, against the stand-in."""

import duckdb
import pytest
from click.testing import CliRunner

pytest.importorskip("kedro_vertexai", reason="make install-gcp installs it")

from standins.vertex.here import run_here
from standins.vertex.server import StandIn
from ucu_mlops.cli import cli

DAYS = ("--params=start=2026-02-15", "--params=as_of=2026-03-31")
ENV = "--env=test"


def vertex(*arguments: str, fails: bool = False) -> list[str]:
    """Run a command in the checkout and return the lines that it says."""
    done = CliRunner().invoke(cli, ["vertex", *arguments])
    assert (done.exit_code != 0) == fails, done.output
    assert "Traceback" not in done.output
    return done.output.splitlines()


@pytest.fixture(scope="module")
def stand_in(checkout, tmp_path_factory):
    """Vertex AI for a checkout whose data folder is empty; jobs run as `run-local` runs them."""
    serving = StandIn(run_here(tmp_path_factory.mktemp("jobs")))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VERTEX_EMULATOR_HOST", serving.start())
        yield serving
    serving.stop()


@pytest.fixture(scope="module")
def compiled(stand_in):
    """The simulation's file, compiled for the tests' places."""
    vertex("compile", ENV, "--pipeline=simulation", "--output=simulation.yml")
    return "simulation.yml"


def test_what_is_submitted_runs_and_can_be_watched(checkout, compiled):
    """The job executes the compiled file; its tables are in the warehouse afterwards."""
    ended = "first succeeded as_of=2026-03-31 start=2026-02-15"
    assert vertex("submit", compiled, ENV, *DAYS, "--job=first", "--wait")[-1] == ended
    assert vertex("status", "first", ENV)[-1] == ended
    assert ended in vertex("status", ENV)
    with duckdb.connect(checkout / "data/warehouse.duckdb", read_only=True) as warehouse:
        assert warehouse.execute("SELECT count(*) FROM sessions").fetchone()[0] > 0


def test_a_job_is_cancelled(compiled):
    """Its tasks are ended, and waiting for it fails."""
    vertex("submit", compiled, ENV, "--job=second")
    assert vertex("cancel", "second", ENV)[-1].startswith("second cancel")
    said = vertex("status", "second", ENV, "--wait", fails=True)
    assert "TaskError: job second cancelled" in " ".join(said)


def test_a_schedule_is_replaced(compiled):
    """The second one retires the first."""
    first = vertex("schedule", compiled, ENV, "--cron=TZ=UTC 30 6 * * *")
    second = vertex("schedule", compiled, ENV, "--cron=TZ=UTC 30 7 * * *")
    assert second[-1] == first[-1].replace("active", "retired")
    assert second[-2].startswith("active: ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["submit", "simulation.yml", "--params=as_of=soon"], "as_of must be a date, got 'soon'"),
        (["submit", "none.yml"], "none.yml cannot be read"),
        (["status", "never-was"], "Vertex AI knows of no job never-was"),
        (["cancel", "No Job"], "a job's ID has lower case letters"),
        (["schedule", "simulation.yml", "--cron=daily"], "--cron must have five fields"),
    ],
    ids=["wrong type", "no file", "no job", "no id", "no cron"],
)
def test_bad_input_ends_in_one_line(compiled, arguments, message):
    """It says what is wrong; nothing was started."""
    assert message in " ".join(" ".join(vertex(*arguments, ENV, fails=True)).split())


def test_without_credentials_the_command_that_gives_them_is_named(stand_in, tmp_path, monkeypatch):
    """Where no stand-in serves, and nobody has logged in."""
    monkeypatch.delenv("VERTEX_EMULATOR_HOST")
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    said = " ".join(vertex("status", ENV, fails=True))
    assert "gcloud auth application-default login" in said
