"""Several tables are saved together: exactly the declared ones, or whatever a pattern names."""

import pytest
from kedro.io import DatasetError

from ucu_mlops.datasets.partitioned_tables import PartitionedTablesDataset
from ucu_mlops.errors import ConfigurationError, DataError, DuplicateKeyError

FIRST = "2026-01-01"
DAY = {"column": "at", "start": FIRST, "end": FIRST}
COLUMNS = {"id": "string", "at": "timestamp('UTC', 6)", "amount": "float64"}
# Ibis 12 on DuckDB 1.5: its own call, which it will rename.
pytestmark = pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")


@pytest.fixture
def declared(connection):
    """Declare two tables, one with a key of its own."""
    return PartitionedTablesDataset(
        connection=connection,
        key=["id"],
        partition=DAY,
        made_by="billing",
        tables={"paid": {"columns": COLUMNS}, "due": {"columns": COLUMNS, "key": ["id", "amount"]}},
    )


@pytest.fixture
def pattern(connection):
    """Name tables by a pattern."""
    return PartitionedTablesDataset(
        connection=connection,
        table="features_{name}",
        key=["id"],
        partition=DAY,
        made_by="features",
    )


def counts(tables):
    return {name: table.count().to_pyarrow().as_py() for name, table in tables.items()}


def test_declared_tables_come_back_by_name(declared, frame):
    """Each under its own key."""
    twice = frame(("a", FIRST, 1.0), ("a", FIRST, 2.0))
    declared.save({"paid": frame(("a", FIRST, 1.0)), "due": twice})
    assert counts(declared.load()) == {"paid": 1, "due": 2}


def test_one_refused_table_stops_all(declared, frame):
    """A fault in the second table leaves the first as it was."""
    once, twice = frame(("a", FIRST, 1.0)), frame(("a", FIRST, 1.0), ("a", FIRST, 1.0))
    with pytest.raises(DatasetError) as caught:
        declared.save({"paid": once, "due": twice})
    assert isinstance(caught.value.__cause__, DuplicateKeyError)
    assert not declared.exists()


@pytest.mark.parametrize("names", [["paid"], ["paid", "due", "lost"]], ids=["missing", "extra"])
def test_exactly_the_declared_tables_are_saved(declared, frame, names):
    """A forgotten table would keep yesterday's rows."""
    with pytest.raises(DatasetError, match="must be saved together, got") as caught:
        declared.save({name: frame(("a", FIRST, 1.0)) for name in names})
    assert isinstance(caught.value.__cause__, DataError)


def test_a_pattern_loads_what_was_saved_under_it(pattern, declared, frame):
    """Other tables of the warehouse are not taken for groups."""
    declared.save({name: frame(("a", FIRST, 1.0)) for name in ("paid", "due")})
    pattern.save({"money": frame(("a", FIRST, 1.0)), "time_of_day": frame(("b", FIRST, 2.0))})
    assert counts(pattern.load()) == {"money": 1, "time_of_day": 1}


@pytest.mark.parametrize("kind", ["declared", "pattern"])
def test_missing_tables_name_their_pipeline(kind, request):
    """The remedy is a command; nothing exists yet."""
    dataset = request.getfixturevalue(kind)
    assert not dataset.exists()
    with pytest.raises(DatasetError, match=r"run `kedro run --pipeline=(billing|features)` first"):
        dataset.load()


def test_missing_tables_may_count_as_empty(connection):
    """Declared ones have no rows, a pattern has no tables."""
    common = {"connection": connection, "key": ["id"], "missing": "empty"}
    tables = {"paid": {"columns": COLUMNS}}
    assert counts(PartitionedTablesDataset(**common, tables=tables).load()) == {"paid": 0}
    assert PartitionedTablesDataset(**common, table="features_{name}").load() == {}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({}, "either tables or a table pattern"),
        ({"table": "features"}, "must contain {name} once"),
        ({"tables": {"paid": {"colums": {}}}}, r"table paid knows .*, got \['colums'\]"),
    ],
    ids=["neither", "no name", "unknown key"],
)
def test_an_impossible_entry_is_refused(connection, change, message):
    """The parameter is named."""
    with pytest.raises(ConfigurationError, match=message):
        PartitionedTablesDataset(connection=connection, key=["id"], **change)
