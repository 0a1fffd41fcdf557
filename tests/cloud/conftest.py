"""Stand-ins for BigQuery and Cloud Storage, each started once."""

import atexit
import uuid
from contextlib import ExitStack

import pytest

pytest.importorskip("google.cloud.bigquery", reason="make install-gcp installs it")

from standins import bigquery, storage
from standins.processes import installed
from ucu_mlops.datasets import warehouse

BUCKET = "stand-in-data"


@pytest.fixture(scope="session")
def bigquery_server(tmp_path_factory):
    """BigQuery on loopback, empty; clients of this process find it."""
    if not installed():
        pytest.fail("the stand-ins are not installed: make .standins/installed does that")
    until_exit = ExitStack()
    # At exit Ibis drops the tables that it made of what was in memory: the server outlives that.
    atexit.register(until_exit.close)
    found = until_exit.enter_context(bigquery.serving(tmp_path_factory.mktemp("bigquery") / "home"))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in found.items():
            patch.setenv(name, value)
        yield found


@pytest.fixture
def connection(bigquery_server):
    """A dataset of its own for each test."""
    config = {
        "backend": "bigquery",
        "project_id": bigquery.PROJECT,
        "dataset_id": f"tables_{uuid.uuid4().hex}",
        "location": "EU",
        "maximum_bytes_billed": 10**9,
        "labels": {"team": "moderation"},
    }
    warehouse.connect(config).client.create_dataset(config["dataset_id"])
    yield config
    warehouse.close_all()


@pytest.fixture(scope="session")
def storage_gate(tmp_path_factory):
    """Cloud Storage on loopback with one bucket; clients of this process find it."""
    if not installed():
        pytest.fail("the stand-ins are not installed: make .standins/installed does that")
    with (
        storage.serving(tmp_path_factory.mktemp("storage") / "home", BUCKET) as gate,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("STORAGE_EMULATOR_HOST", gate.url)
        patch.setenv("GOOGLE_CLOUD_PROJECT", bigquery.PROJECT)
        yield gate
