"""A save replaces the configured days and nothing else, checks what it stores, and streams."""

import datetime as dt
import logging
import re

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kedro.io import DatasetError

from ucu_mlops.datasets import warehouse
from ucu_mlops.datasets.partitioned_table import PartitionedTableDataset
from ucu_mlops.errors import ConfigurationError, DataError, DuplicateKeyError, SchemaError

COLUMNS = {"id": "string", "at": "timestamp('UTC', 6)", "amount": "float64"}
FIRST, SECOND, THIRD = "2026-01-01", "2026-01-02", "2026-01-03"
pytestmark = [
    # Ibis 12 on DuckDB 1.5 and pandas 3.1: its own calls, which it will rename.
    pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:fetch_record_batch:DeprecationWarning"),
]


@pytest.fixture
def table(connection):
    """Make the dataset for a range of days."""

    def make(start=FIRST, end=None, **change):
        days = {"column": "at", "start": start, "end": end or start}
        sound = {"table": "payments", "key": ["id"], "columns": COLUMNS, "partition": days}
        return PartitionedTableDataset(connection=connection, **sound | change)

    return make


def stored(dataset):
    """Return (id, day, amount) of every stored row, sorted."""
    rows = dataset.load().order_by("id").to_pyarrow().to_pylist()
    return [(row["id"], row["at"].date().isoformat(), row["amount"]) for row in rows]


def failure(dataset, data):
    """Save what must be refused; return the error behind Kedro's."""
    with pytest.raises(DatasetError) as caught:
        dataset.save(data)
    return caught.value.__cause__


def test_a_day_is_replaced_and_the_others_stay(table, frame):
    """Saving the second day again leaves the first and the third."""
    table(FIRST, THIRD).save(frame(("a", FIRST, 1.0), ("b", SECOND, 2.0), ("c", THIRD, 3.0)))
    table(SECOND).save(frame(("d", SECOND, 4.0)))
    assert stored(table()) == [("a", FIRST, 1.0), ("c", THIRD, 3.0), ("d", SECOND, 4.0)]


def test_saving_again_gives_the_same(table, frame):
    """The second save finds its own keys and replaces them."""
    for _ in range(2):
        table().save(frame(("a", FIRST, 1.0)))
    assert stored(table()) == [("a", FIRST, 1.0)]


def test_an_empty_day_clears_its_partition(table, frame):
    """No rows means that nothing happened, not that nothing was computed."""
    table(FIRST, SECOND).save(frame(("a", FIRST, 1.0), ("b", SECOND, 2.0)))
    table().save(frame().astype({"amount": "float64"}))
    assert stored(table()) == [("b", SECOND, 2.0)]


def test_without_a_partition_the_whole_table_is_replaced(table, frame):
    """The old rows are gone whatever their day."""
    whole = table(partition=None)
    whole.save(frame(("a", FIRST, 1.0), ("b", SECOND, 2.0)))
    whole.save(frame(("c", THIRD, 3.0)))
    assert stored(whole) == [("c", THIRD, 3.0)]


def test_a_day_ends_at_midnight_utc(table, frame):
    """The last microsecond belongs to the day, the next one does not."""
    last = frame(("a", FIRST, 1.0)).assign(at=pd.Timestamp("2026-01-01T23:59:59.999999Z"))
    table().save(last)
    after = last.assign(at=pd.Timestamp("2026-01-02T00:00:00Z"))
    assert isinstance(failure(table(), after), DataError)
    assert stored(table()) == [("a", FIRST, 1.0)]


@pytest.mark.parametrize("start", [FIRST, dt.date(2026, 1, 1)], ids=["ISO text", "date"])
def test_days_may_be_text_or_dates(table, frame, start):
    """Kedro hands over either."""
    table(start).save(frame(("a", FIRST, 1.0)))
    assert stored(table()) == [("a", FIRST, 1.0)]


def test_constants_select_what_is_loaded_and_replaced(connection):
    """Two models share a table and a key, and neither sees or touches the other's rows."""

    def scores(model, *values):
        return PartitionedTableDataset(
            table="scores",
            connection=connection,
            key=["id"],
            columns={"model": "string", "id": "int64", "as_of": "date"},
            partition={"column": "as_of", "start": FIRST, "end": FIRST},
            where={"model": model},
        ), pd.DataFrame({"model": model, "id": values, "as_of": dt.date(2026, 1, 1)})

    for model, ids in [("scam", (1, 2)), ("images", (1,)), ("scam", (2, 3))]:
        dataset, rows = scores(model, *ids)
        dataset.save(rows)
    loaded = {
        model: scores(model)[0].load().id.to_pyarrow().to_pylist() for model in ("scam", "images")
    }
    assert {model: sorted(ids) for model, ids in loaded.items()} == {"scam": [2, 3], "images": [1]}
    message = "1 rows lie outside what the entry replaces .model = scam, as_of from 2026-01-01"
    with pytest.raises(DatasetError, match=message):
        scores("scam")[0].save(scores("images", 9)[1])


@pytest.mark.parametrize(
    "form",
    [
        lambda made: made,
        lambda made: ibis.memtable(pa.Table.from_pylist(made.to_dict("records"))),
        lambda made: pa.Table.from_pylist(made.to_dict("records")),
        lambda made: pa.Table.from_pylist(made.to_dict("records")).to_reader(),
        lambda made: made[["amount", "id", "at"]],
    ],
    ids=["pandas", "Ibis", "Arrow", "stream", "other order"],
)
def test_any_form_of_rows_is_taken_by_column_name(table, frame, form):
    """The same rows come back whatever they were saved from."""
    table().save(form(frame(("a", FIRST, 1.5))))
    assert stored(table()) == [("a", FIRST, 1.5)]
    kinds = {name: type(kind).__name__ for name, kind in table().load().schema().items()}
    assert kinds == {"id": "String", "at": "Timestamp", "amount": "Float64"}


def test_an_expression_may_read_the_table_it_replaces(table, frame):
    """What was stored is read before it is deleted."""
    table(FIRST, SECOND).save(frame(("a", FIRST, 1.0), ("b", SECOND, 2.0)))
    doubled = table().load().filter(ibis._.id == "b").mutate(amount=ibis._.amount * 2)
    table(SECOND).save(doubled)
    assert stored(table()) == [("a", FIRST, 1.0), ("b", SECOND, 4.0)]


def test_a_stream_may_be_fed_by_the_table_it_replaces(table):
    """A hundred batches read through the shared connection go in while they come out."""
    rows = 100_000
    at = pa.array([dt.datetime(2026, 1, 1, tzinfo=dt.UTC)] * rows, pa.timestamp("us", "UTC"))
    amounts = np.arange(rows, dtype="float64")
    table().save(pa.table({"id": amounts.astype("str"), "at": at, "amount": amounts}))
    before = table().load().amount.sum().to_pyarrow().as_py()
    table().save(table().load().to_pyarrow_batches(chunk_size=1_000))
    assert table().load().count().to_pyarrow().as_py() == rows
    assert table().load().amount.sum().to_pyarrow().as_py() == before


def test_nan_and_infinities_become_null_and_are_counted_once(table, caplog):
    """One warning line says how many in which column."""
    values = [1.0, np.nan, np.inf, -np.inf, None]
    at = pa.array([dt.datetime(2026, 1, 1, tzinfo=dt.UTC)] * 5, pa.timestamp("us", "UTC"))
    rows = pa.table({"id": list("abcde"), "at": at, "amount": values})
    with caplog.at_level(logging.WARNING):
        table().save(rows)
    assert [amount for _, _, amount in stored(table())] == [1.0, None, None, None, None]
    assert caplog.messages == ["table payments: NaN or infinite, stored as null: 3 in amount"]


def test_a_frames_nan_is_its_null_and_no_warning(table, frame, caplog):
    """Pandas has no other way to say null in a float column."""
    with caplog.at_level(logging.WARNING):
        table().save(frame(("a", FIRST, np.nan)))
    assert stored(table()) == [("a", FIRST, None)]
    assert not caplog.messages


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [("a", FIRST, 1.0), ("b", FIRST, 2.0), ("b", FIRST, 3.0), ("a", FIRST, 4.0)],
            r"^table payments: 2 keys \(id\) stand for more than one row, first id a;",
        ),
        (
            [(None, FIRST, 1.0), ("b", FIRST, 2.0)],
            r"^table payments: 1 rows have a null in their key \(id\), first id None;",
        ),
    ],
    ids=["repeated", "null"],
)
def test_a_key_stands_for_one_row(table, frame, rows, message):
    """Table, key, count and the first example are named, and nothing changes."""
    table().save(frame(("z", FIRST, 0.0)))
    error = failure(table(), frame(*rows))
    assert isinstance(error, DuplicateKeyError)
    assert re.match(message, str(error))
    assert stored(table()) == [("z", FIRST, 0.0)]


def test_a_key_of_another_day_is_refused(table, frame):
    """A payment that is stored under the first day cannot also happen on the second."""
    table().save(frame(("a", FIRST, 1.0)))
    error = failure(table(SECOND), frame(("a", SECOND, 2.0), ("b", SECOND, 3.0)))
    assert isinstance(error, DuplicateKeyError)
    assert "1 keys are stored already outside" in str(error)
    assert stored(table()) == [("a", FIRST, 1.0)]


def test_rows_of_another_day_are_refused(table, frame):
    """The days, the count and an example are named."""
    error = failure(table(), frame(("a", FIRST, 1.0), ("b", SECOND, 2.0)))
    assert isinstance(error, DataError)
    assert "1 rows lie outside what the entry replaces (at from 2026-01-01 to 2026-01-01)" in str(
        error
    )


MISFITS = {
    "missing": (lambda f: f.drop(columns="amount"), "amount: needs float64, got no such column"),
    "extra": (lambda f: f.assign(more=1), "more: needs no such column, got int64; drop it"),
    "text for a number": (lambda f: f.assign(amount="1"), "amount: needs float64, got string"),
    "integer for a float": (lambda f: f.assign(amount=1), "amount: needs float64, got int64"),
    "no time zone": (lambda f: f.assign(at=f["at"].dt.tz_convert(None)), "at: needs timestamp"),
    "number for text": (lambda f: f.assign(id=1), "id: needs string, got int64"),
}


@pytest.mark.parametrize(("spoil", "message"), MISFITS.values(), ids=MISFITS)
def test_a_column_that_does_not_fit_is_named(table, frame, spoil, message):
    """Table, column, what was needed and what came; nothing is made."""
    error = failure(table(), spoil(frame(("a", FIRST, 1.0))))
    assert isinstance(error, SchemaError)
    assert str(error).startswith(f"table payments column {message}")
    assert not table().exists()


def test_a_column_of_mixed_types_is_named(table, frame):
    """Arrow's own message is kept."""
    rows = frame(("a", FIRST, 1.0), ("b", FIRST, 1.0))
    error = failure(table(), rows.assign(amount=["x", 1]))
    assert isinstance(error, SchemaError)
    assert "column amount" in str(error)


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        ("int64", pa.array([1], pa.int32()), 1),
        ("int64", pa.array([7], pa.uint32()), 7),
        ("float64", pa.array([0.5], pa.float32()), 0.5),
        ("string", pa.array(["x"], pa.large_string()), "x"),
        ("string", pa.array([None], pa.null()), None),
        ("date", pd.Series(pd.to_datetime(["2026-01-05"])), dt.date(2026, 1, 5)),
        ("string", pd.Series(["x"], dtype=object), "x"),
        ("int64", pd.Series([None], dtype="Int64"), None),
    ],
    ids=["int32", "uint32", "float32", "large string", "nulls", "midnight", "object", "Int64"],
)
def test_a_cast_that_loses_nothing_is_made(connection, kind, values, expected):
    """Narrower numbers, other layouts of text and pandas' midnights are taken."""
    dataset = PartitionedTableDataset(
        table="t", connection=connection, key=["id"], columns={"id": "int64", "value": kind}
    )
    whole = (
        pd.DataFrame({"id": [1], "value": values})
        if isinstance(values, pd.Series)
        else (pa.table({"id": [1], "value": values}))
    )
    dataset.save(whole)
    assert dataset.load().to_pyarrow().to_pylist() == [{"id": 1, "value": expected}]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("int32", pa.array([1], pa.int64())),
        ("float32", pa.array([0.1], pa.float64())),
        ("date", pd.Series(pd.to_datetime(["2026-01-05T01:00"]))),
        ("boolean", pa.array([1], pa.int64())),
    ],
    ids=["int64 to int32", "float64 to float32", "an hour of a day", "number to boolean"],
)
def test_a_cast_that_may_lose_something_is_refused(connection, kind, values):
    """Whoever wants it does it before saving."""
    dataset = PartitionedTableDataset(
        table="t", connection=connection, key=["id"], columns={"id": "int64", "value": kind}
    )
    whole = (
        pd.DataFrame({"id": [1], "value": values})
        if isinstance(values, pd.Series)
        else (pa.table({"id": [1], "value": values}))
    )
    assert isinstance(failure(dataset, whole), SchemaError)


def test_a_missing_table_names_the_pipeline_that_makes_it(table):
    """The remedy is a command."""
    message = r"table payments is not in the warehouse .*; run `kedro run --pipeline=billing` first"
    with pytest.raises(DatasetError, match=message):
        table(made_by="billing").load()


def test_a_missing_table_may_count_as_empty(table):
    """It has the declared columns and joins with the warehouse's tables, and is not made."""
    nothing = table(missing="empty")
    assert nothing.load().schema() == ibis.schema(COLUMNS)
    assert nothing.load().join(nothing.load(), "id").count().to_pyarrow().as_py() == 0
    assert not nothing.exists()


def test_a_stored_table_of_other_columns_is_refused(table, frame):
    """Both a load and a save say what differs and what to do."""
    table().save(frame(("a", FIRST, 1.0)))
    changed = table(columns=COLUMNS | {"amount": "string"})
    with pytest.raises(DatasetError, match="column amount: needs string, got float64; the stored"):
        changed.load()
    assert isinstance(failure(changed, frame(("a", FIRST, 1.0)).assign(amount="x")), SchemaError)


def test_undeclared_columns_follow_what_is_saved(table, frame):
    """A new column is null in old days, one that is gone is null in new days."""
    table(columns=None).save(frame(("a", FIRST, 1.0)))
    table(SECOND, columns=None).save(frame(("b", SECOND, 2.0)).rename(columns={"amount": "total"}))
    rows = table(columns=None).load().order_by("id").select("amount", "total").to_pyarrow()
    assert rows.to_pydict() == {"amount": [1.0, None], "total": [None, 2.0]}


def test_an_undeclared_column_keeps_its_type(table, frame):
    """A changed type is refused with the remedy."""
    table(columns=None).save(frame(("a", FIRST, 1.0)))
    error = failure(table(columns=None), frame(("a", FIRST, 1.0)).assign(amount="x"))
    assert "needs float64, got string; cast it before saving, or drop the table" in str(error)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"key": []}, "key must name at least one column"),
        ({"key": ["nope"]}, r"name \['nope'\], got columns"),
        ({"columns": {"id": "text"}}, "must have Ibis types"),
        ({"missing": "maybe"}, "missing must be one of"),
        ({"partition": {"column": "at", "start": FIRST}}, "partition needs"),
        ({"start": SECOND, "end": FIRST}, "must not be after"),
        ({"start": "yesterday"}, "partition.start must be a date"),
    ],
    ids=["no key", "foreign key", "type", "missing", "no end", "backwards", "no date"],
)
def test_an_impossible_entry_is_refused_when_it_is_read(table, change, message):
    """The parameter is named before any node runs."""
    with pytest.raises(ConfigurationError, match=message):
        table(**change)


DAYS = st.integers(1, 4)
ROWS = st.dictionaries(st.integers(0, 30), st.floats(allow_nan=False, allow_infinity=False))


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(DAYS, DAYS, ROWS), max_size=4))
def test_the_table_is_what_a_dictionary_by_day_would_be(connection, saves):
    """Whatever ranges are saved in whatever order, the last save of a day holds."""
    warehouse.connect(connection).drop_table("model", force=True)
    expected = {}
    for one, other, rows in saves:
        first, last = sorted((one, other))
        records = [
            {"id": number, "as_of": dt.date(2026, 1, first + number % (last - first + 1)), "x": x}
            for number, x in rows.items()
        ]
        for day in range(first, last + 1):
            expected[day] = {r["id"]: r["x"] for r in records if r["as_of"].day == day}
        schema = pa.schema({"id": pa.int64(), "as_of": pa.date32(), "x": pa.float64()})
        dataset = PartitionedTableDataset(
            table="model",
            connection=connection,
            key=["id", "as_of"],
            columns={"id": "int64", "as_of": "date", "x": "float64"},
            partition={"column": "as_of", "start": f"2026-01-0{first}", "end": f"2026-01-0{last}"},
        )
        dataset.save(pa.Table.from_pylist(records, schema))
        kept = dataset.load().to_pyarrow().to_pylist()
        assert sorted((r["as_of"].day, r["id"], r["x"]) for r in kept) == sorted(
            (day, number, x) for day, of_day in expected.items() for number, x in of_day.items()
        )
