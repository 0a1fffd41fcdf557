"""`kedro vertex submit | status | cancel | schedule`, as typed, against the stand-in's process."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

pytest.importorskip("kedro_vertexai", reason="make install-gcp installs it")

from ucu_mlops.loop.checkout import make_checkout

ROOT = Path(__file__).parents[2]
DAYS = ("--params=start=2026-02-15", "--params=as_of=2026-03-31")


class Desk:
    """A checkout, with the stand-in for Vertex AI serving beside it.

    Args:
        folder: The checkout.
        address: The stand-in's.
    """

    def __init__(self, folder: Path, address: str) -> None:
        self.folder = folder
        self._environment = {**os.environ, "VERTEX_EMULATOR_HOST": address}

    def kedro(self, *arguments: str, fails: bool = False) -> str:
        """Run a command of the project and return what it says."""
        done = subprocess.run(
            [sys.executable, "-m", "kedro", "vertex", *arguments],
            check=False,
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
        )
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        assert "Traceback" not in done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A checkout whose data folder is empty, and Vertex AI for it."""
    folder, work = tmp_path_factory.mktemp("checkout"), tmp_path_factory.mktemp("jobs")
    make_checkout(ROOT, folder)
    path = f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    with subprocess.Popen(
        [sys.executable, "-m", "standins.vertex", f"--work={work}"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        text=True,
    ) as serving:
        yield Desk(folder, serving.stdout.readline().strip())
        serving.send_signal(signal.SIGINT)
    assert serving.returncode == 0


@pytest.fixture(scope="module")
def compiled(desk):
    """The simulation's file, compiled for the tests' places."""
    desk.kedro("compile", "--env=test", "--pipeline=simulation", "--output=simulation.yml")
    return "simulation.yml"


def test_what_is_submitted_runs_and_can_be_watched(desk, compiled):
    """The job executes the compiled file; its tables are in the warehouse afterwards."""
    said = desk.kedro("submit", compiled, "--env=test", *DAYS, "--job=first", "--wait")
    assert said.splitlines()[-1] == "first succeeded as_of=2026-03-31 start=2026-02-15"
    assert "first succeeded" in desk.kedro("status", "first", "--env=test")
    assert "first succeeded" in desk.kedro("status", "--env=test")
    with duckdb.connect(desk.folder / "data/warehouse.duckdb", read_only=True) as warehouse:
        assert warehouse.execute("SELECT count(*) FROM sessions").fetchone()[0] > 0


def test_a_job_is_cancelled(desk, compiled):
    """Its tasks are ended, and waiting for it fails."""
    desk.kedro("submit", compiled, "--env=test", "--job=second")
    assert "second cancel" in desk.kedro("cancel", "second", "--env=test")
    said = desk.kedro("status", "second", "--env=test", "--wait", fails=True)
    assert "TaskError: job second cancelled" in said


def test_a_schedule_is_replaced(desk, compiled):
    """The second one retires the first."""
    first = desk.kedro("schedule", compiled, "--env=test", "--cron=TZ=UTC 30 6 * * *")
    second = desk.kedro("schedule", compiled, "--env=test", "--cron=TZ=UTC 30 7 * * *")
    name = first.strip().removeprefix("active: ")
    assert second.splitlines()[1:] == [f"retired: {name}"]


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
def test_bad_input_ends_in_one_line(desk, compiled, arguments, message):
    """It says what is wrong; nothing was started."""
    said = desk.kedro(*arguments, "--env=test", fails=True)
    assert message in " ".join(said.split())


def test_without_credentials_the_command_that_gives_them_is_named(desk, compiled, tmp_path):
    """Outside of the tests, where no stand-in serves."""
    bare = Desk(desk.folder, "")
    bare._environment |= {"HOME": str(tmp_path), "NO_GCE_CHECK": "true"}
    said = bare.kedro("status", "--env=test", fails=True)
    assert "gcloud auth application-default login" in " ".join(said.split())
