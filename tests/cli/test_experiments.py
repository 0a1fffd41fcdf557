"""``kedro experiments`` from the shell, beside a ledger."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ucu_mlops.adapters.sqlite_switches import SqliteSwitches
from ucu_mlops.experiments.switches import off

ROOT = Path(__file__).parents[2]
NEWER = {
    "model": "scam",
    "variants": {"control": "champion", "b": "2", "c": "3"},
    "ramp": {"2026-04-01": 0.5},
    "ends": "2026-04-30",
}


@pytest.fixture
def desk(tmp_path):
    """A project with one experiment."""
    for name in ("pyproject.toml", ".telemetry"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "conf", tmp_path / "conf")
    written = tmp_path / "conf/base/parameters/experiments.yml"
    written.write_text(json.dumps({"experiments": {"newer": NEWER}}))
    return tmp_path


def told(desk, *arguments, fails=False):
    """Run the command; gives what it said."""
    command = [sys.executable, "-c", "from ucu_mlops.cli import main; main()", "experiments"]
    done = subprocess.run(
        [*command, *arguments], cwd=desk, capture_output=True, text=True, check=False
    )
    assert (done.returncode != 0) == fails, done.stderr
    lines = (done.stderr if fails else done.stdout).splitlines()
    return [each for each in lines if " INFO " not in each]


def test_a_variant_is_turned_off_and_on_again(desk):
    """The list shows it with who and why; servers read the same switches from the ledger's file."""
    first = told(desk, "list", "--as-of=2026-04-10")[0]
    assert first == "newer: split of scam, 50% take part until 2026-04-30"
    assert " 0% take part" in told(desk, "list", "--as-of=2026-05-01")[0]
    said = told(desk, "stop", "newer", "b", "--who=olena", "--why=too many cases")
    assert said == ["newer: b is off"]
    assert "by olena: too many cases" in told(desk, "list")[2]
    switches = SqliteSwitches(desk / "data/06_models/ledger.db")
    assert off(switches.turned()) == {("newer", "b")}
    assert told(desk, "stop", "newer", "--why=all") == [
        "newer: b is off already",
        "newer: c is off",
    ]
    assert told(desk, "resume", "newer", "--why=mended") == ["newer: b is on", "newer: c is on"]
    assert off(switches.turned()) == frozenset()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["stop", "older", "--why=so"], "there is no experiment 'older'; there are ['newer']"),
        (["stop", "newer", "control", "--why=so"], "no variant 'control' to turn"),
        (["stop", "newer", "--why= "], "why must not be empty"),
        (["list", "--env=gcp"], "experiments run on own hosts"),
    ],
)
def test_what_cannot_be_turned_is_said_in_one_line(desk, arguments, said):
    """Unknown names, the control, no reason, another ledger."""
    (error,) = told(desk, *arguments, fails=True)
    assert said in error
