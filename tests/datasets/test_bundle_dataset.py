"""A draft goes in, a checked bundle comes out."""

import pytest
from kedro.io import DatasetError

from ucu_mlops.bundle.manifest import LabelSpec, Manifest
from ucu_mlops.bundle.store import Draft
from ucu_mlops.datasets.bundle import BundleDataset
from ucu_mlops.errors import BundleError


@pytest.fixture
def dataset(tmp_path):
    """Name a folder that is not there yet."""
    return BundleDataset(filepath=str(tmp_path / "scam" / "candidate"))


def draft(content):
    manifest = Manifest("scam", "model", "2026-01-01", (), (LabelSpec("scam", 0.5),))
    return Draft(manifest, {"model.onnx": content})


def test_the_last_draft_saved_is_the_bundle_loaded(dataset):
    """Folders are made, and what was there is replaced."""
    assert not dataset.exists()
    for content in (b"one", b"two"):
        dataset.save(draft(content))
    assert dataset.load().read_bytes("model.onnx") == b"two"
    assert dataset.exists()


def test_a_missing_bundle_is_one_line(dataset):
    """The path is named."""
    with pytest.raises(DatasetError, match="candidate") as caught:
        dataset.load()
    assert isinstance(caught.value.__cause__, BundleError)
