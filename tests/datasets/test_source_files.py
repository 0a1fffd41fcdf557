"""Foreign files are read where they lie and never written."""

import pandas as pd
import pytest
from kedro.io import DatasetError

from ucu_mlops.datasets.source_files import SourceFilesDataset
from ucu_mlops.errors import ConfigurationError, DataError

# Ibis 12 on DuckDB 1.5: its own call, which it will rename.
pytestmark = pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")


@pytest.fixture
def folder(tmp_path):
    """Put a Parquet and a CSV file into a folder."""
    folder = tmp_path / "export"
    folder.mkdir()
    pd.DataFrame({"account": ["a", "b"], "amount": [1.5, 2.5]}).to_parquet(folder / "e.parquet")
    (folder / "accounts.csv").write_text("account,label\na,1\nb,0\n")
    return folder


@pytest.fixture
def dataset(connection):
    """Make the dataset over a folder."""

    def make(folder, **files):
        files = files or {"events": "e.parquet", "accounts": "accounts.csv"}
        return SourceFilesDataset(folder=str(folder), files=files, connection=connection)

    return make


def test_files_are_tables_that_join(dataset, folder):
    """Parquet and CSV meet in one expression."""
    tables = dataset(folder).load()
    joined = tables["events"].join(tables["accounts"], "account").order_by("account")
    assert joined.select("amount", "label").to_pyarrow().to_pydict() == {
        "amount": [1.5, 2.5],
        "label": [1, 0],
    }
    assert dataset(folder).exists()


def test_a_star_takes_several_files(dataset, folder):
    """Parts of one table lie beside each other."""
    pd.DataFrame({"account": ["c"], "amount": [3.5]}).to_parquet(folder / "e2.parquet")
    tables = dataset(folder, events="e*.parquet").load()
    assert tables["events"].count().to_pyarrow().as_py() == 3


def test_a_missing_folder_is_one_line_with_the_remedy(dataset, tmp_path):
    """It says how to name another."""
    with pytest.raises(DatasetError) as caught:
        dataset(tmp_path / "nowhere").load()
    assert isinstance(caught.value.__cause__, DataError)
    assert str(caught.value.__cause__) == (
        f"folder {tmp_path / 'nowhere'} is missing;"
        " name one that exists with --params=source_dir=FOLDER"
        " (kedro features: --source-dir=FOLDER)"
    )


def test_a_missing_file_is_named(dataset, folder):
    """All that are missing, in one line."""
    with pytest.raises(DatasetError, match=r"has no \['x.csv'\]; put them there"):
        dataset(folder, events="e.parquet", more="x.csv").load()


def test_a_damaged_file_is_named(dataset, folder):
    """The engine's first line is kept."""
    (folder / "e.parquet").write_text("not a parquet file")
    with pytest.raises(DatasetError, match=r"file .*e\.parquet cannot be read: "):
        dataset(folder).load()


def test_nothing_is_saved(dataset, folder):
    """The files belong to somebody else."""
    with pytest.raises(DatasetError, match="is only read"):
        dataset(folder).save({})


def test_other_formats_are_refused_when_the_entry_is_read(dataset, folder):
    """The file is named."""
    with pytest.raises(ConfigurationError, match=r"files\.events must end in one of"):
        dataset(folder, events="e.xlsx")
