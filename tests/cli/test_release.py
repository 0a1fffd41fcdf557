"""`release` from the shell, in real processes: quick, and of use when much else is broken."""

import resource
import shutil
import sqlite3
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from ucu_mlops.adapters.sqlite_ledger import SqliteLedger
from ucu_mlops.bundle.manifest import FeatureSpec
from ucu_mlops.bundle.store import write_bundle
from ucu_mlops.release.moves import Proposal, cold_start, promote
from ucu_mlops.scam.rule import RuleOptions, rule_draft

ROOT = Path(__file__).parents[2]
AT = datetime(2026, 4, 1, tzinfo=UTC)
# Both have read the ledger before either writes.
PAUSED = """
import sys
from ucu_mlops.adapters.sqlite_ledger import SqliteLedger
from ucu_mlops.cli import main
append = SqliteLedger.append
def paused(self, move):
    print("ready", flush=True)
    sys.stdin.readline()
    append(self, move)
SqliteLedger.append = paused
main()
"""


@pytest.fixture
def desk(tmp_path):
    """A project whose model has three versions in the cache, the third champion; nothing else."""
    for name in ("pyproject.toml", ".telemetry"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "conf", tmp_path / "conf")
    models = tmp_path / "data/06_models"
    for version in ("1", "2", "3"):
        features = [FeatureSpec("reports_received_7d", "numeric", "reports", "d")]
        options = RuleOptions({"reports_received_7d": float(version)}, -4.0)
        write_bundle(
            rule_draft(options, features, date(2026, 3, 31)), models / "bundles/scam" / version
        )
    ledger = SqliteLedger(models / "ledger.db")
    cold_start(ledger, "scam", "1", who="ann", why="begin", at=AT)
    for version in ("2", "3"):
        promote(ledger, Proposal("scam", version, "promote", "better"), "run", AT)
    return tmp_path


def champion(desk):
    return SqliteLedger(desk / "data/06_models/ledger.db").head("scam").to_version


def release(desk, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "ucu_mlops", "release", *arguments],
        cwd=desk,
        capture_output=True,
        text=True,
        check=False,
    )


def test_rollback_takes_under_five_seconds_of_a_processor(desk):
    """Of its own time, whatever else the machine does."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ran = release(desk, "rollback", "scam", "--why", "a test")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert ran.returncode == 0, ran.stderr
    assert champion(desk) == "2"
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 5


def test_rollback_when_everything_else_is_broken(desk):
    """Newest bundle and training data damaged, warehouse held, MLflow's database locked."""
    data = desk / "data"
    (data / "06_models/bundles/scam/3/model.onnx").write_bytes(b"spoilt")
    (data / "05_model_input").mkdir()
    (data / "05_model_input/anything.parquet").write_bytes(b"spoilt")
    mlflow = sqlite3.connect(data / "06_models/mlflow.db", isolation_level=None)
    with duckdb.connect(str(data / "warehouse.duckdb")):
        mlflow.execute("BEGIN EXCLUSIVE")
        ran = release(desk, "rollback", "scam", "--why", "a test")
        told = release(desk, "status", "scam")
    mlflow.close()
    assert ran.returncode == 0, ran.stderr
    assert champion(desk) == "2"
    assert told.returncode == 0, told.stderr
    assert "champion of scam: version 2" in told.stdout
    assert "the registry's aliases could not be compared" in told.stdout
    assert "cannot be used (database is locked)" in told.stdout


def test_what_does_not_load_is_not_rolled_back_to(desk):
    """One line says which file is damaged, and the champion stays."""
    spoilt = desk / "data/06_models/bundles/scam/2/model.onnx"
    spoilt.write_bytes(b"spoilt")
    ran = release(desk, "rollback", "scam", "--why", "a test")
    assert ran.returncode != 0
    assert "Traceback" not in ran.stderr
    assert ran.stderr.strip().splitlines()[-1].startswith("Error: ReleaseError: MLflow's database")
    assert champion(desk) == "3"


def test_of_two_releases_at_once_one_wins(desk):
    """The other ends in one line, and the ledger has one move more."""
    rivals = [
        subprocess.Popen(
            [
                *(sys.executable, "-c", PAUSED, "release", "promote", "scam", version),
                *("--why", "a race"),
            ],
            cwd=desk,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for version in ("1", "2")
    ]
    for rival in rivals:
        assert rival.stdout.readline() == "ready\n"
    told = [rival.communicate("\n", timeout=60) for rival in rivals]
    assert sorted(rival.returncode for rival in rivals) == [0, 1]
    loser = next(number for number, rival in enumerate(rivals) if rival.returncode)
    said = told[loser][1]
    assert "Traceback" not in said
    assert said.strip().splitlines()[-1].startswith("Error: StaleRevisionError: scam: revision 4")
    moves = SqliteLedger(desk / "data/06_models/ledger.db").moves("scam")
    assert (len(moves), moves[-1].to_version) == (4, ("1", "2")[1 - loser])


def test_a_clock_that_went_back_is_told(desk):
    """Moves stay in the order of their revisions, and the status says which is dated too early."""
    ledger = SqliteLedger(desk / "data/06_models/ledger.db")
    early = AT - timedelta(days=300)
    promote(ledger, Proposal("scam", "4", "promote", "better"), "run", early)
    lines = release(desk, "status", "scam").stdout.splitlines()
    assert "the clock went back" in lines[3]
    assert lines[4] == "champion of scam: version 4"
    assert not any("went back" in line for line in lines[:3])


def test_a_person_may_overrule_with_name_and_reason(desk):
    """It is recorded as an override."""
    ran = release(desk, "promote", "scam", "1", "--who", "eve", "--why", "the gate is wrong")
    assert ran.returncode == 0, ran.stderr
    head = SqliteLedger(desk / "data/06_models/ledger.db").head("scam")
    assert (head.kind, head.who, head.why) == ("override", "eve", "the gate is wrong")
