"""The store of pictures by the catalog's name."""

import pytest
from kedro.io.core import DatasetError

from ucu_mlops.datasets.shards import ShardsDataset
from ucu_mlops.images.shards import ShardStore


def test_a_store_that_was_never_written_is_empty(tmp_path):
    """Before the first picture it does not exist, yet loads."""
    dataset = ShardsDataset(filepath=str(tmp_path / "shards"))
    assert not dataset.exists()
    assert dataset.load().index.empty


def test_a_store_is_saved_where_it_lies(tmp_path):
    """What was updated in place may be saved; a store of elsewhere may not."""
    dataset = ShardsDataset(filepath=str(tmp_path / "shards"))
    dataset.save(dataset.load())
    with pytest.raises(DatasetError, match="update it in place"):
        dataset.save(ShardStore.open(tmp_path / "elsewhere"))
