"""Arrays in a folder."""

import numpy as np
import pytest
from kedro.io import DatasetError

from ucu_mlops.datasets.arrays import ArraysDataset


def test_arrays_come_back_as_they_were_mapped_not_read(tmp_path):
    """What was saved is loaded, equal and read-only from the file."""
    dataset = ArraysDataset(filepath=str(tmp_path / "drawn"))
    given = {"pixels": np.arange(24, dtype=np.uint8).reshape(2, 3, 4), "group": np.array(["a"])}
    dataset.save(given)
    found = dataset.load()
    assert sorted(found) == ["group", "pixels"]
    assert isinstance(found["pixels"], np.memmap)
    for name, array in given.items():
        np.testing.assert_array_equal(found[name], array)


def test_a_second_save_replaces_the_first_whole(tmp_path):
    """An array that the new set lacks is gone."""
    dataset = ArraysDataset(filepath=str(tmp_path / "drawn"))
    dataset.save({"old": np.zeros(1)})
    dataset.save({"new": np.ones(1)})
    assert list(dataset.load()) == ["new"]


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"objects": np.array([{}], dtype=object)}, "not object"),
        ({"../up": np.zeros(1)}, "'../up' cannot be saved"),
    ],
)
def test_what_would_be_a_pickle_or_leave_the_folder_is_refused(tmp_path, arrays, said):
    """A refused save leaves what was there."""
    dataset = ArraysDataset(filepath=str(tmp_path / "drawn"))
    dataset.save({"old": np.zeros(1)})
    with pytest.raises(DatasetError, match=said):
        dataset.save(arrays)
    assert list(dataset.load()) == ["old"]


def test_missing_or_damaged_arrays_say_what_to_do(tmp_path):
    """One line names the folder or file, and the remedy."""
    dataset = ArraysDataset(filepath=str(tmp_path / "drawn"))
    with pytest.raises(DatasetError, match="is not there; run the pipeline"):
        dataset.load()
    (tmp_path / "drawn").mkdir()
    (tmp_path / "drawn" / "pixels.npy").write_bytes(b"no array")
    with pytest.raises(DatasetError, match=r"pixels.npy is no array"):
        dataset.load()
