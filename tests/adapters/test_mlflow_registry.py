"""A real MLflow on SQLite: versions are bundles, equal ones are one, aliases repeat the ledger."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ucu_mlops.adapters.mlflow_registry import MlflowRegistry, cached_folder
from ucu_mlops.bundle.manifest import LabelSpec, Manifest
from ucu_mlops.bundle.store import Draft, write_bundle
from ucu_mlops.errors import BundleError, ReleaseError
from ucu_mlops.release.ledger import Move

AT = datetime(2026, 1, 2, tzinfo=UTC)
MANIFEST = Manifest(
    model="scam",
    kind="model",
    as_of="2026-01-01",
    features=(),
    labels=(LabelSpec("scam", 0.5),),
    training={"training_id": "t1"},
)


@pytest.fixture
def registry(tracking_uri, tmp_path):
    """Open the test's MLflow."""
    return MlflowRegistry(tracking_uri, tmp_path / "artifacts")


@pytest.fixture
def bundle(tmp_path):
    """Write a bundle whose answer is ``content``."""

    def make(content=b"one", threshold=0.5):
        manifest = replace(MANIFEST, labels=(LabelSpec("scam", threshold),))
        return write_bundle(Draft(manifest, {"model.onnx": content}), tmp_path / "draft")

    return make


def moves(*versions):
    """Make promotions of the versions, one after another."""
    before = [None, *versions]
    return [
        Move("scam", number, before[number - 1], version, "promote", "ann", "better", None, AT)
        for number, version in enumerate(versions, start=1)
    ]


def test_a_registered_bundle_comes_back_whole(registry, bundle, tmp_path):
    """Manifest and files are the same, under the version that was given."""
    made = bundle()
    version = registry.register(made, "scam")
    fetched = registry.fetch("scam", version, tmp_path / "cache")
    assert (fetched.manifest, fetched.version) == (made.manifest, version)
    assert fetched.read_bytes("model.onnx") == b"one"
    assert fetched.folder == cached_folder(tmp_path / "cache", "scam", version)


def test_equal_bundles_are_one_version_and_others_are_others(registry, bundle):
    """Another answer or another threshold makes another version; the first content is found."""
    contents = [(b"one", 0.5), (b"one", 0.5), (b"two", 0.5), (b"one", 0.7), (b"one", 0.5)]
    versions = [registry.register(bundle(*content), "scam") for content in contents]
    assert versions == ["1", "1", "2", "3", "1"]


def test_a_version_says_where_it_came_from(registry, bundle):
    """Content, training and kind are tags; the run is linked and over."""
    registry.register(bundle(), "scam")
    made = registry._client.get_model_version("scam", "1")
    assert made.tags["training_id"] == "t1"
    assert made.tags["kind"] == "model"
    assert registry._client.get_run(made.run_id).info.status == "FINISHED"


def test_the_active_run_keeps_the_bundle(registry, bundle, tracking_uri, tmp_path):
    """A training's run is the version's run, and its artifacts hold the bundle."""
    import mlflow  # noqa: PLC0415 (seconds; not every test needs it)

    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(tracking_uri)
    try:
        place = (tmp_path / "runs").as_uri()
        experiment = mlflow.create_experiment("training", artifact_location=place)
        with mlflow.start_run(experiment_id=experiment) as run:
            registry.register(bundle(), "scam")
    finally:
        mlflow.set_tracking_uri(before)
    assert registry._client.get_model_version("scam", "1").run_id == run.info.run_id
    assert registry._client.list_artifacts(run.info.run_id, "bundles")


def test_a_damaged_cache_is_fetched_again(registry, bundle, tmp_path, caplog):
    """The registry has the truth, and one line says that it was asked."""
    version = registry.register(bundle(), "scam")
    folder = registry.fetch("scam", version, tmp_path / "cache").folder
    (folder / "model.onnx").write_bytes(b"spoilt")
    fetched = registry.fetch("scam", version, tmp_path / "cache")
    assert fetched.read_bytes("model.onnx") == b"one"
    assert "fetching version 1 of scam again" in caplog.text


def test_a_damaged_artifact_is_refused(registry, bundle, tmp_path):
    """What was changed in MLflow's folder never reaches the cache."""
    version = registry.register(bundle(), "scam")
    [stored] = Path(tmp_path / "artifacts").rglob("model.onnx")
    stored.write_bytes(b"spoilt")
    with pytest.raises(BundleError, match="SHA-256 differs"):
        registry.fetch("scam", version, tmp_path / "cache")
    assert not cached_folder(tmp_path / "cache", "scam", version).exists()


def test_another_whole_bundle_in_its_place_is_refused(registry, bundle, tmp_path):
    """A bundle that is sound but not the registered one is noticed by its content."""
    version = registry.register(bundle(), "scam")
    [stored] = Path(tmp_path / "artifacts").rglob("model.onnx")
    manifest = replace(MANIFEST, kind="rule")
    write_bundle(Draft(manifest, {"model.onnx": b"one"}), stored.parent)
    with pytest.raises(BundleError, match="version 1 of scam is not what was registered"):
        registry.fetch("scam", version, tmp_path / "cache")


def test_aliases_follow_the_ledger_back_and_forth(registry, bundle):
    """Champion and previous are the ledger's last two; a rollback to the first drops previous."""
    for content in (b"one", b"two", b"three"):
        registry.register(bundle(content), "scam")

    def aliases():
        return {name: registry.version_of("scam", name) for name in ("champion", "previous")}

    registry.project("scam", moves("1", "2", "3"))
    assert aliases() == {"champion": "3", "previous": "2"}
    registry._client.set_registered_model_alias("scam", "champion", "2")  # somebody meddles
    registry.project("scam", moves("1", "2", "3"))
    assert aliases() == {"champion": "3", "previous": "2"}
    registry.project("scam", moves("1"))
    assert aliases() == {"champion": "1", "previous": None}


def test_a_version_that_is_not_there_is_one_line(registry, bundle, tmp_path):
    """MLflow's reason is kept."""
    registry.register(bundle(), "scam")
    with pytest.raises(ReleaseError, match=r"^MLflow at sqlite.* hand over version 9 of scam: .*$"):
        registry.fetch("scam", "9", tmp_path / "cache")


def test_a_missing_database_is_not_made_by_looking(tmp_path):
    """Neither a look-up nor a fetch leaves an empty MLflow where the real one should be."""
    registry = MlflowRegistry(f"sqlite:///{tmp_path}/mlflow.db")
    assert registry.version_of("scam", "champion") is None
    with pytest.raises(ReleaseError, match=r"MLflow's database .*mlflow.db is missing"):
        registry.fetch("scam", "1", tmp_path / "cache")
    with pytest.raises(ReleaseError, match="is missing"):
        registry.project("scam", moves("1"))
    assert not list(tmp_path.iterdir())
