"""Bundles and texts lie in Cloud Storage as they lie in a folder."""

import uuid

import fsspec
import pytest
from kedro.io import DatasetError

from ucu_mlops.bundle.manifest import LabelSpec, Manifest
from ucu_mlops.bundle.store import Draft
from ucu_mlops.datasets.bundle import BundleDataset
from ucu_mlops.datasets.textfile import TextfileDataset
from ucu_mlops.errors import BundleError, DataError


@pytest.fixture
def folder(storage_gate):
    """A folder of its own for each test."""
    return f"gs://stand-in-data/{uuid.uuid4().hex}"


def draft(**files):
    """Make a bundle of some files."""
    manifest = Manifest("scam", "model", "2026-01-01", (), (LabelSpec("scam", 0.5),))
    return Draft(manifest, {f"{name}.onnx": content for name, content in files.items()})


def test_the_last_bundle_saved_is_loaded(folder):
    """Another process finds it, without the files of the one before."""
    dataset = BundleDataset(filepath=f"{folder}/candidate")
    assert not dataset.exists()
    dataset.save(draft(model=b"one", preprocess=b"more"))
    dataset.save(draft(model=b"two"))
    bundle = BundleDataset(filepath=f"{folder}/candidate").load()
    assert (set(bundle.manifest.files), bundle.read_bytes("model.onnx")) == ({"model.onnx"}, b"two")
    assert dataset.exists()


def test_a_bundle_half_written_over_is_refused(folder):
    """The manifest comes last: until then it does not fit what lies there."""
    dataset = BundleDataset(filepath=f"{folder}/candidate")
    dataset.save(draft(model=b"one"))
    fsspec.filesystem("gs").pipe_file(f"{folder}/candidate/model.onnx", b"two")
    with pytest.raises(DatasetError, match="SHA-256 differs") as caught:
        dataset.load()
    assert isinstance(caught.value.__cause__, BundleError)


def test_a_missing_bundle_is_named_by_its_address(folder):
    """One line, with the place in the bucket."""
    with pytest.raises(DatasetError, match=f"{folder}/candidate is missing; train or fetch"):
        BundleDataset(filepath=f"{folder}/candidate").load()


def test_a_text_tells_the_newest_day(folder):
    """An older day that is played again leaves it; without one there is a remedy."""
    address = f"{folder}/metrics.prom"
    with pytest.raises(DatasetError, match="run the pipeline that writes it first") as caught:
        TextfileDataset(filepath=address).load()
    assert isinstance(caught.value.__cause__, DataError)
    for day, text in [("2026-03-30", "old"), ("2026-03-31", "now ≤"), ("2026-03-29", "older")]:
        TextfileDataset(filepath=address, as_of=day).save(text)
    assert TextfileDataset(filepath=address).load() == "now ≤"
    assert TextfileDataset(filepath=address).exists()
