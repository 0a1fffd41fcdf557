"""The scam model's whole default run with --env=gcp leaves what it leaves at the desk.

Tables in BigQuery, files, bundles and ledger in Cloud Storage, runs and versions in Vertex AI, all
on loopback.
"""

import math
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import fsspec
import pytest

from standins.bigquery import DATASET, PROJECT
from standins.vertex.server import StandIn
from ucu_mlops.adapters.ledgers import open_ledger
from ucu_mlops.datasets import warehouse
from ucu_mlops.datasets.bundle import BundleDataset
from ucu_mlops.loop.checkout import make_checkout

ROOT = Path(__file__).parents[2]
BUCKET = "gs://stand-in-data"
CANDIDATE, RULE = "06_models/scam/candidate", "05_model_input/scam/rule"
PLACES = f"""
data_root: {BUCKET}
warehouse:
  backend: bigquery
  project_id: {PROJECT}
  dataset_id: {DATASET}
  location: europe-west1
  maximum_bytes_billed: 1000000000
  labels: {{team: moderation}}
tracking_uri: vertexai://{PROJECT}/europe-west1
artifacts: ${{data_root}}/06_models/artifacts
ledger: ${{data_root}}/06_models/ledger
inbox: ${{data_root}}/06_models/inbox
bundles: FOLDER/bundles
"""
# Sums of floats are added in no fixed order: their last digits are noise.
ALIKE = 1e-9
# So a value that is a bin's edge at the desk may lie under it here: one of some thousand values. It
# moves the statistic of the G-test by twice the logarithm of two about equal bins' ratio, and
# a p-value by at most that times the density of chi-square, which is below 0.1 here.
ON_EDGES = {
    "histograms": {"rows": 1},
    "drift": {"measure": 1e-3, "l_infinity": 1e-3, "p_value": 0.05, "threshold": 1e-4},
}


def kedro(folder: Path, env: str) -> None:
    """Play the default run in a checkout."""
    command = [sys.executable, "-m", "kedro", "run", f"--env={env}"]
    done = subprocess.run(command, check=False, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, (done.stdout + done.stderr)[-5000:]


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """What the run leaves at the desk: a data folder."""
    folder = tmp_path_factory.mktemp("desk")
    make_checkout(ROOT, folder)
    kedro(folder, "test")
    return folder / "data"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory, bigquery_server, storage_gate):
    """What it leaves in the cloud: the warehouse's configuration.

    The sizes and days are the tests', the places production's with the stand-ins' names.
    """
    folder = tmp_path_factory.mktemp("cloud")
    make_checkout(ROOT, folder)
    here = (folder / "conf/test/globals.yml").read_text()
    days = "".join(
        f"{line}\n" for line in here.splitlines() if line.startswith(("start", "as_of", "recent"))
    )
    places = PLACES.replace("FOLDER", str(folder)) + days
    (folder / "conf/gcp/globals.yml").write_text(places)
    shutil.copytree(folder / "conf/test/parameters", folder / "conf/gcp/parameters")
    vertex = StandIn()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VERTEX_EMULATOR_HOST", vertex.start())
        kedro(folder, "gcp")
        yield {
            "backend": "bigquery",
            "project_id": PROJECT,
            "dataset_id": DATASET,
            "location": "europe-west1",
            "maximum_bytes_billed": 10**9,
        }
    warehouse.close_all()
    vertex.stop()


def by_row(rows: list[dict], name: str) -> list[dict]:
    """Sort rows by all that is exact in them."""
    inexact = ON_EDGES.get(name, {})

    def exact(row: dict) -> list[str]:
        return [
            repr(value)
            for key, value in sorted(row.items())
            if not isinstance(value, float) and key not in inexact
        ]

    return sorted(rows, key=exact)


def alike(one: object, other: object, within: float | None = None) -> bool:
    """Tell whether two values are equal, floats but for their last digits."""
    if within is not None and one is not None and other is not None:
        return abs(one - other) <= within
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=ALIKE, abs_tol=1e-12)
    return one == other


def test_every_table_is_the_desks(desk, cloud):
    """Row for row and value for value; what counts values by bin may put one on an edge aside."""
    opened = warehouse.connect(cloud)
    with duckdb.connect(desk / "warehouse.duckdb", read_only=True) as file:
        file.execute("SET TimeZone = 'UTC'")
        names = [name for (name,) in file.execute("SHOW TABLES").fetchall()]
        assert {"scores", "cases", "drift", "decisions"} < set(names)
        assert set(opened.list_tables()) == {*names, "_turns"}
        for name in names:
            here = by_row(file.execute(f"FROM {name}").to_arrow_table().to_pylist(), name)
            there = by_row(opened.table(name).to_pyarrow().to_pylist(), name)
            assert len(here) == len(there), name
            for left, right in zip(here, there, strict=True):
                inexact = ON_EDGES.get(name, {})
                differing = {
                    key for key in left if not alike(left[key], right[key], inexact.get(key))
                }
                assert not differing, (name, left, right)


def test_files_bundles_and_ledger_are_the_desks(desk, cloud, storage_gate):
    """The same files lie in the bucket, the same versions were released for the same reasons."""
    files = fsspec.filesystem("gs")
    found = {
        path.removeprefix("stand-in-data/") for path in files.find("stand-in-data/08_reporting")
    }
    wanted = {
        str(path.relative_to(desk))
        for path in (desk / "08_reporting").rglob("*")
        if path.is_file() and path.name != ".gitkeep"
    }
    assert found == wanted
    for name in (CANDIDATE, RULE):
        here, there = (BundleDataset(filepath=f"{root}/{name}").load() for root in (desk, BUCKET))
        assert set(here.manifest.files) == set(there.manifest.files)
        assert here.manifest.features == there.manifest.features
    here, there = (
        open_ledger(address).moves("scam")
        for address in (str(desk / "06_models/ledger.db"), f"{BUCKET}/06_models/ledger")
    )
    assert here == there
    assert len(here) >= 1
