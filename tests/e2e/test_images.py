"""Uploaded pictures to a gate's verdict, a day's queue and its monitoring."""

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.serving.sites import Site, free_port, serving
from ucu_mlops.adapters.sqlite_ledger import SqliteLedger
from ucu_mlops.images.model_files import predictor_of

pytestmark = pytest.mark.filterwarnings(
    # The plugins' and the exporter's own: none of it is called by this project.
    "ignore::DeprecationWarning",
    "ignore::FutureWarning",
    "ignore::UserWarning",
)
PHOTOS = Path(__file__).parents[3] / "shared" / "data" / "barcode_photos"


@pytest.fixture(scope="module")
def first(checkout, project):
    """The platform's past of uploads, the readers' rule, a first version and its gate, a queue."""
    project.run("images_simulation")
    project.run("images_first")
    return project


def test_every_picture_is_stored_or_in_quarantine(first):
    """None of the uploads is lost on the way, and each refusal has its reason."""
    with first.catalog() as catalog:
        uploaded = set(catalog.load("uploads").execute()["image_id"])
        stored = set(catalog.load("images.shards").index["image_id"])
        refused = catalog.load("images.quarantine")
        assert stored | set(refused["image_id"]) == uploaded
        assert not stored & set(refused["image_id"])
        assert (refused["reason"] != "").all()


def test_the_gate_compares_the_first_version_with_the_readers(first, checkout):
    """The readers are champion until a version passes; the report names what did not hold."""
    with first.catalog() as catalog:
        gate = catalog.load("images.gate")
    head = SqliteLedger(checkout / "data/06_models/ledger.db").head("images")
    assert gate["champion"] != gate["challenger"]
    assert head.to_version == gate[{"promote": "challenger", "keep": "champion"}[gate["action"]]]
    holds = all(each["holds"] for each in gate["conditions"])
    assert holds == (gate["action"] == "promote")


def test_no_held_out_picture_was_learnt_from(first):
    """What the gate compares on is what the training set holds out."""
    with first.catalog() as catalog:
        rows = catalog.load("images.training_set").execute()
        judged = catalog.load("images.judged")
    assert set(judged["image_id"]) == set(rows.loc[rows["split"] == "holdout", "entity_id"])
    assert not judged["learnt"].any()


def test_labels_share_the_moderators_day(first):
    """The queue holds cases of several labels, within the capacity, ranked from 1 on."""
    with first.catalog() as catalog:
        queue = catalog.load("images.queue").execute()
        capacity = first.configuration("parameters")["review"]["images"]["capacity"]
    assert 0 < len(queue) <= capacity
    assert queue["label"].nunique() > 1
    assert sorted(queue["rank"]) == list(range(1, len(queue) + 1))
    assert queue["reasons"].str.contains("given from|decoded by the reader").all()


def test_a_trained_network_is_put_in_charge_and_taken_back_from_the_shell(first, checkout):
    """Its features are watched, not asked for: it is opened as a network, whoever moves it."""

    def release(*arguments):
        command = [sys.executable, "-m", "ucu_mlops", "release", *arguments, "--env=test"]
        subprocess.run(command, cwd=checkout, check=True, capture_output=True)
        return SqliteLedger(checkout / "data/06_models/ledger.db").head("images").to_version

    with first.catalog() as catalog:
        network = catalog.load("images.challenger")
    assert network.manifest.features
    assert release("promote", "images", network.version, "--why=tried") == network.version
    assert release("rollback", "images", "--why=tried") != network.version
    assert release("promote", "images", network.version, "--why=again") == network.version


def test_a_trained_network_is_served(first, tmp_path):
    """The server answers for a picture what the network says, over both protocols."""
    with first.catalog() as catalog:
        network = catalog.load("images.challenger")
        side = catalog.load("params:images.store")["side"]
        shards = catalog.load("images.shards")
        image_id = next(iter(shards.index["image_id"]))
        uploads = catalog.load("uploads").execute().set_index("image_id")
    picture = Path(first.path, uploads.loc[image_id, "uri"].removeprefix("file://")).read_bytes()
    site = Site(tmp_path, "images", {"pictures": {"side": side}})
    chosen = {"AIP_HTTP_PORT": str(free_port()), "AIP_STORAGE_URI": str(network.folder)}
    with serving(site, **chosen) as server:
        answer = server.ask(picture, media="image/jpeg")
        assert answer.status == 200, answer.body
        (served,) = answer.body["predictions"]
        told = server.get("/v2/models/images").body
        assert [each["name"] for each in told["inputs"]] == ["image"]
    # No reader decodes this one, which would be certain: what is said is the network's.
    stored = predictor_of(network).probabilities(
        shards.pixels([image_id]), shards.boxes([image_id])
    )
    names = [each.name for each in network.manifest.labels]
    said = [served["labels"][name]["probability"] for name in names]
    assert said == pytest.approx([*stored[0]], abs=1e-6)


@pytest.mark.skipif(
    not PHOTOS.is_dir(), reason=f"public photographs of codes are not at {PHOTOS} (docs/data.md)"
)
def test_photographs_are_trained_on_and_evaluated_by_configuration(checkout):
    """The documented report of the two commands is written, for another folder than the first."""
    from ucu_mlops.loop.project import Project  # noqa: PLC0415 (after the checkout is there)

    small = {"barcodes_train": slice(0, None, 6), "barcodes_test": slice(3, None, 12)}
    rows = list(csv.DictReader((PHOTOS / "labels.csv").open()))
    for name, which in small.items():
        (checkout / name / "images").mkdir(parents=True)
        with (checkout / name / "labels.csv").open("w") as file:
            writer = csv.DictWriter(file, rows[0].keys())
            writer.writeheader()
            writer.writerows(rows[which])
        for row in rows[which]:
            shutil.copy(PHOTOS / "images" / row["file_name"], checkout / name / "images")
    tiny = yaml.safe_load((checkout / "conf/test/parameters/sizes.yml").read_text())["images"]
    tiny["store"]["places"] = [str(checkout)]
    tiny |= {"split": {"holdout_share": 0.0}, "evaluated": {"pictures": "all", "sample": 20}}
    parameters = checkout / "conf/barcodes/parameters/images.yml"
    parameters.write_text(yaml.safe_dump({"images": tiny}))
    for pipeline, folder in (
        ("images_training", "barcodes_train"),
        ("images_evaluation", "barcodes_test"),
    ):
        Project(checkout, env="barcodes").run(pipeline, source_dir=str(checkout / folder))
    report = json.loads(
        (checkout / "data/barcodes/08_reporting/images/evaluation.json").read_text()
    )
    assert set(report["macro_f1"]) == {"network", "reader", "union"}
    assert {"pictures", "flagged_network", "flagged_union"} <= set(report["code_free"])
    for label in ("qr_code", "matrix_code", "linear_barcode"):
        per_row = report["per_label"][label]
        assert {"precision", "recall", "f1", "support"} <= set(per_row["reader"]) & set(
            per_row["union"]
        )
        assert {"average_precision", "threshold"} <= set(per_row["network"])
    assert report["learnt"] == 0
