"""What a pipeline reads and writes in production, its account may read and write."""

from pathlib import Path

import pytest
import yaml

pytest.importorskip("kedro_vertexai", reason="make install-gcp installs it")

from ucu_mlops.adapters.vertex.compile import find_pipeline
from ucu_mlops.adapters.vertex.containers import split
from ucu_mlops.adapters.vertex.options import read_options
from ucu_mlops.adapters.vertex.preflight import resolve
from ucu_mlops.adapters.vertex.session import open_session

ROOT = Path(__file__).parents[3]
ACCESS = yaml.safe_load((ROOT / "deploy/terraform/access.yml").read_text())["accounts"]
REMOTE = "gs://ucu-mlops-prod-data/"
RIGHTS = {"read": {"read"}, "add": {"read", "add"}, "write": {"read", "add", "write"}}


@pytest.fixture(scope="module")
def context():
    """The project in production."""
    with open_session(ROOT, "gcp", {}) as session:
        return session.load_context()


def places(entry):
    """Return the addresses in the data bucket that a catalog's entry names, ledgers apart."""
    for key, value in (entry or {}).items():
        if isinstance(value, dict):
            yield from places(value)
        elif isinstance(value, str) and value.startswith(REMOTE):
            yield key, value.removeprefix(REMOTE)


def may(account, right, place):
    """Tell whether an account has a right on a place: by its folder or one above it."""
    return any(
        right in RIGHTS[given] and f"{place}/".startswith(f"{folder}/")
        for folder, given in ACCESS[account]["folders"].items()
    )


@pytest.mark.parametrize(
    "pipeline", ["scam_daily", "scam_retrain", "images_daily", "images_retrain"]
)
def test_an_account_may_what_its_pipeline_does(context, pipeline):
    """Each file and ledger of the catalog: what is saved, written; what is loaded, read."""
    options = read_options(context.config_loader["vertexai"])
    account = options.identity(pipeline).service_account.partition("@")[0]
    containers = split(pipeline, find_pipeline(pipeline))
    saved = {name for each in containers for name in each.writes}
    lacking = []
    for name, entry in resolve(context.config_loader["catalog"], containers).items():
        for key, place in places(entry):
            right = "read" if name not in saved else "add" if key == "ledger" else "write"
            if key == "artifacts" and not name.endswith((".challenger", ".champion")):
                right = "read"
            if not may(account, right, place):
                lacking.append(f"{account} may not {right} {place} ({name})")
    assert lacking == []
