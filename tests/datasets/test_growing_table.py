"""A table that grows holds each row once, however often and in whatever parts it is saved."""

import tempfile
from datetime import date

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kedro.io import DatasetError

from ucu_mlops.datasets import warehouse
from ucu_mlops.datasets.growing_table import GrowingTableDataset
from ucu_mlops.errors import DataError, DuplicateKeyError

pytestmark = pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")

COLUMNS = {"model": "string", "id": "string", "day": "date", "value": "int64"}
SCHEMA = pa.schema(
    {"model": pa.string(), "id": pa.string(), "day": pa.date32(), "value": pa.int64()}
)
FIRST = date(2026, 4, 1)


def growing(connection, model="scam", **changed) -> GrowingTableDataset:
    """A table of the warehouse that grows."""
    entry = {
        "table": "grown",
        "key": ["id"],
        "columns": COLUMNS,
        "day": "day",
        "where": {"model": model},
        "missing": "empty",
    }
    return GrowingTableDataset(connection=connection, **(entry | changed))


def rows(*each, model="scam"):
    """Make a stream of (id, day of April, value) rows."""
    listed = [
        {"model": model, "id": name, "day": day and date(2026, 4, day), "value": value}
        for name, day, value in each
    ]
    return pa.RecordBatchReader.from_batches(SCHEMA, [pa.RecordBatch.from_pylist(listed, SCHEMA)])


def stored(dataset) -> dict:
    """Return what is stored: value by id; an id that is there twice fails."""
    found = dataset.load().to_pyarrow().to_pylist()
    assert len({row["id"] for row in found}) == len(found)
    return {row["id"]: row["value"] for row in found}


def test_what_is_stored_stays_and_what_is_new_is_added(connection):
    """A row whose key is stored is passed over, whatever else it says."""
    table = growing(connection)
    table.save(rows(("a", 1, 1), ("b", 2, 2)))
    table.save(rows(("b", 2, 9), ("c", 3, 3)))
    assert stored(table) == {"a": 1, "b": 2, "c": 3}


def test_a_row_that_comes_twice_at_once_is_stored_once(connection):
    """A file that was copied beside itself doubles nothing."""
    table = growing(connection)
    table.save(rows(("a", 1, 1), ("a", 1, 1), ("b", 1, 2)))
    assert stored(table) == {"a": 1, "b": 2}


def test_nothing_to_save_makes_an_empty_table(connection):
    """A day without requests is a valid day."""
    table = growing(connection)
    table.save(rows())
    assert stored(table) == {}
    assert "grown" in warehouse.connect(connection).list_tables()


def test_models_share_a_table_and_no_key(connection):
    """Another model's row of the same id is another row."""
    growing(connection).save(rows(("a", 1, 1)))
    growing(connection, "images").save(rows(("a", 1, 2), model="images"))
    assert stored(growing(connection)) == {"a": 1}
    assert stored(growing(connection, "images")) == {"a": 2}


@pytest.mark.parametrize(
    ("refused", "error", "said"),
    [
        (rows((None, 1, 1)), DuplicateKeyError, "null in their key"),
        (rows(("a", None, 1)), DataError, "outside"),
        (rows(("a", 1, 1), model="images"), DataError, "outside"),
    ],
    ids=["no key", "no day", "another model's"],
)
def test_what_may_not_be_stored_changes_nothing(connection, refused, error, said):
    """It is refused in one line."""
    table = growing(connection)
    table.save(rows(("z", 1, 1)))
    with pytest.raises(DatasetError, match=said) as told:
        table.save(refused)
    assert type(told.value.__cause__) is error
    assert stored(table) == {"z": 1}


SAVES = st.lists(st.lists(st.integers(0, 9), max_size=6), max_size=4)


@settings(max_examples=25, deadline=None)
@given(SAVES)
def test_the_table_is_what_a_dictionary_would_be(saves):
    """However rows come, alone or again, each id is there once, with what it had first."""
    with tempfile.TemporaryDirectory() as folder:
        table = growing({"backend": "duckdb", "database": f"{folder}/warehouse.duckdb"})
        wanted = {}
        for turn, ids in enumerate(saves):
            table.save(rows(*((str(each), each % 3 + 1, turn) for each in ids)))
            for each in ids:
                wanted.setdefault(str(each), turn)
        assert stored(table) == wanted
        warehouse.close_all()
