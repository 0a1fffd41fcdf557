"""Stand-ins for BigQuery and Cloud Storage, each started once."""

import uuid

import pytest

pytest.importorskip("google.cloud.bigquery", reason="make install-gcp installs it")

from standins import bigquery
from standins.processes import installed
from ucu_mlops.datasets import warehouse


@pytest.fixture(scope="session")
def bigquery_server(tmp_path_factory):
    """BigQuery on loopback, empty; clients of this process find it."""
    if not installed():
        pytest.fail("the stand-ins are not installed: make .standins/installed does that")
    with (
        pytest.MonkeyPatch.context() as patch,
        bigquery.serving(tmp_path_factory.mktemp("bigquery") / "home") as found,
    ):
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
