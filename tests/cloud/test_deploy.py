"""`kedro release deploy` from the shell: registry, ledger, bundle and endpoint in cloud places."""

import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from standins.bigquery import PROJECT
from standins.vertex.server import StandIn
from tests.serving.sites import scam_draft
from ucu_mlops.adapters.ledgers import open_ledger
from ucu_mlops.adapters.mlflow_registry import MlflowRegistry
from ucu_mlops.bundle.predict import Predictor
from ucu_mlops.bundle.rows import ordered, row_inputs
from ucu_mlops.bundle.store import write_bundle
from ucu_mlops.loop.checkout import make_checkout
from ucu_mlops.release.moves import cold_start

ROOT = Path(__file__).parents[2]
BUCKET = "gs://stand-in-data/deploying"
AT = datetime(2026, 4, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory, storage_gate):
    """A checkout whose cloud is on loopback, in which no champion was released yet."""
    folder = tmp_path_factory.mktemp("cloud")
    make_checkout(ROOT, folder)
    places = folder / "conf/gcp/globals.yml"
    text = places.read_text().replace("gs://ucu-mlops-prod-data", BUCKET)
    text = text.replace("bundles: /tmp/bundles", f"bundles: {folder}/cache")
    places.write_text(text.replace("ucu-mlops-prod", PROJECT))
    options = folder / "conf/gcp/vertexai.yml"
    options.write_text(
        options.read_text().replace("project_id: ucu-mlops-prod", f"project_id: {PROJECT}")
    )
    stand_in = StandIn()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VERTEX_EMULATOR_HOST", stand_in.start())
        yield folder, stand_in
    stand_in.stop()


def deploy(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Give the command as a person would."""
    command = [sys.executable, "-m", "ucu_mlops", "release", "deploy", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["scam"], "conf/base has no endpoints.yml; use --env=gcp"),
        (["spam", "--env=gcp"], "says nothing of 'spam'; it knows ['images', 'scam']"),
        (["scam", "--env=gcp"], "no champion yet; run kedro run --pipeline=scam_coldstart"),
    ],
    ids=["environment", "model", "champion"],
)
def test_what_cannot_be_deployed_is_said_in_one_line(cloud, arguments, message):
    """No endpoint here, no such model, no champion: exit code 1, and nothing is made."""
    folder, stand_in = cloud
    ran = deploy(folder, *arguments)
    assert ran.returncode == 1
    assert message in ran.stderr.strip().splitlines()[-1]
    assert stand_in.endpoints.endpoints == {}


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("region", "europe-west99", "region: must be a region of Vertex AI"),
        ("project_id", "My Project", "project_id: must be a project's id"),
    ],
)
def test_an_unknown_place_is_refused_by_its_key(cloud, key, value, message):
    """Before anybody is asked anything; the file is put back."""
    folder, stand_in = cloud
    options = folder / "conf/gcp/vertexai.yml"
    before, calls = options.read_text(), stand_in.faults.calls.total()
    options.write_text(re.sub(rf"(?m)^{key}: .*$", f"{key}: {value}", before))
    ran = deploy(folder, "scam", "--env=gcp")
    options.write_text(before)
    assert ran.returncode == 1
    assert message in ran.stderr.strip().splitlines()[-1]
    assert stand_in.faults.calls.total() == calls


def test_the_champion_of_the_ledger_answers(cloud, tmp_path):
    """A bundle registered in the cloud is fetched, uploaded, deployed, probed, and told of."""
    folder, stand_in = cloud
    bundle = write_bundle(scam_draft(), tmp_path / "bundle")
    registry = MlflowRegistry(f"vertexai://{PROJECT}/europe-west1", f"{BUCKET}/06_models/artifacts")
    version = registry.register(bundle, "scam")
    ledger = open_ledger(f"{BUCKET}/06_models/ledger")
    cold_start(ledger, "scam", version, who="ann", why="begin", at=AT)
    served = []

    def start(model):
        served.append((model.artifact_uri, model.container_spec.args[0]))
        predictor, features = Predictor(bundle), bundle.manifest.features

        def answer(body):
            rows = [ordered(each["features"], features) for each in body["instances"]]
            found = predictor.predict_inputs(row_inputs(rows, features))
            return {
                "predictions": [
                    {"labels": {"scam": {"probability": p}}, "version": version} for (p,) in found
                ]
            }

        return answer

    stand_in.endpoints.containers = start
    ran = deploy(folder, "scam", "--env=gcp")
    assert ran.returncode == 0, ran.stderr[-3000:]
    assert "version 1 gets 100 % of the requests" in ran.stdout
    assert ran.stdout.strip().endswith("scam: version 1 answers at endpoint scam")
    ((place, argument),) = served
    assert place.startswith(f"{BUCKET}/06_models/artifacts/")
    assert argument == "--model=scam"
