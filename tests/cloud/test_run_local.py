"""The compiled file, executed here, leaves what `kedro run` leaves."""

import hashlib
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

pytest.importorskip("kedro_vertexai", reason="make install-gcp installs it")

from ucu_mlops.loop.checkout import make_checkout

ROOT = Path(__file__).parents[2]
BUNDLES = ("06_models/scam/candidate", "05_model_input/scam/rule", "06_models/bundles/scam")


def checkout(folder: Path) -> Path:
    """Make a checkout whose warehouse sums in one order.

    Two threads add floats in either order, and two plain runs then differ in last digits, too.
    """
    make_checkout(ROOT, folder)
    places = folder / "conf/test/globals.yml"
    threads = "  settings: {threads: 1}\ntracking_uri:"
    places.write_text(places.read_text().replace("tracking_uri:", threads))
    return folder


def kedro(folder: Path, *arguments: str) -> None:
    """Run one of the project's commands in a checkout."""
    done = subprocess.run(
        [sys.executable, "-m", "kedro", *arguments],
        check=False,
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout in which everything was run in one process."""
    folder = checkout(tmp_path_factory.mktemp("run"))
    kedro(folder, "run", "--env=test")
    return folder / "data"


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout in which the compiled file was executed, a process for each container."""
    folder = checkout(tmp_path_factory.mktemp("compiled"))
    file = folder / "compiled.yml"
    kedro(folder, "vertex", "compile", "--env=test", "--pipeline=__default__", f"--output={file}")
    kedro(folder, "vertex", "run-local", str(file), f"--work={folder / 'work'}")
    assert len(list((folder / "work").glob("*/attempt-1.log"))) == 5
    return folder / "data"


def tables(data: Path) -> dict[str, list[tuple]]:
    """Return every table of a warehouse: its rows as text, sorted; DuckDB writes numbers whole."""
    with duckdb.connect(data / "warehouse.duckdb", read_only=True) as warehouse:
        names = [name for (name,) in warehouse.execute("SHOW TABLES").fetchall()]
        return {
            name: warehouse.execute(
                f"SELECT CAST(t AS VARCHAR) FROM {name} AS t ORDER BY ALL"  # noqa: S608
            ).fetchall()
            for name in names
        }


def bundles(data: Path) -> dict[str, str]:
    """Return the hash of each file of the bundles that were made."""
    return {
        str(file.relative_to(data)): hashlib.sha256(file.read_bytes()).hexdigest()
        for folder in BUNDLES
        for file in sorted((data / folder).rglob("*"))
        if file.is_file()
    }


def test_the_tables_are_equal(run, compiled):
    """Every table has the same rows, value for value."""
    left, right = tables(run), tables(compiled)
    assert left.keys() == right.keys()
    assert {name for name in left if left[name] != right[name]} == set()
    assert left["scores"]
    assert left["cases"]


def test_the_bundles_are_equal(run, compiled):
    """Candidate, rule and registered versions are the same, byte for byte."""
    assert bundles(run) == bundles(compiled)
    assert any(name.endswith("bundle.json") for name in bundles(run))
