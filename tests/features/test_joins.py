"""Features stand beside the right entity and day, whether computed now or stored before."""

from datetime import UTC, date, datetime, timedelta

import ibis
import pyarrow as pa
import pytest

from ucu_mlops.errors import ConfigurationError, SchemaError
from ucu_mlops.features.compile import group_table
from ucu_mlops.features.declarations import parse_declarations
from ucu_mlops.features.joins import join_features, point_in_time

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
SOURCES = {
    "messages": {"entity": "user_id", "occurred": "occurred_at"},
    "users": {"entity": "user_id", "occurred": "occurred_at"},
}
RAW = {
    "sources": SOURCES,
    "messages": {
        "description": "What a user writes.",
        "source": "messages",
        "windows": [1, 7],
        "features": {
            "sent": {"aggregate": "count"},
            "friends": {"aggregate": "distinct", "column": "friend"},
        },
        "ratios": {"per_friend": {"numerator": "sent_7d", "denominator": "friends_7d"}},
    },
    "profile": {
        "description": "Who a user is.",
        "source": "users",
        "attributes": {"country": "categorical"},
    },
}
NAMES = ["country", "per_friend", "sent_1d"]


def table(schema: dict, rows: list[tuple]) -> ibis.Table:
    """Make a table of rows."""
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    arrow = ibis.schema(schema).to_pyarrow()
    return ibis.memtable(pa.table(dict(zip(schema, columns, strict=True)), schema=arrow))


@pytest.fixture(scope="module")
def warehouse():
    connection = ibis.duckdb.connect(threads=2)
    yield connection
    connection.disconnect()


@pytest.fixture(scope="module")
def sources():
    days = [(user, START + timedelta(days=day)) for user in (1, 2) for day in range(user, 9, user)]
    schema = {"user_id": "int64", "occurred_at": "timestamp('UTC', 6)"}
    messages = [(*row, f"f{number % 3}") for number, row in enumerate(days)]
    users = [(1, START, "UA"), (2, START + timedelta(days=2), "PL")]
    return {
        "messages": table(schema | {"friend": "string"}, messages),
        "users": table(schema | {"country": "string"}, users),
    }


@pytest.fixture(scope="module")
def stored(warehouse, sources):
    """Both groups' tables for users 1 and 2 on ten days, as the pipeline would store them."""
    declared = parse_declarations(RAW)
    days = [date(2026, 1, 1) + timedelta(days=day) for day in range(10)]
    spine = table(
        {"entity_id": "string", "as_of": "date"}, [(user, day) for user in "12" for day in days]
    )
    return {
        group.name: warehouse.create_table(
            f"features_{group.name}", group_table(group, declared, sources, spine)
        )
        for group in declared.groups
    }


@pytest.fixture(scope="module")
def labels():
    """Labels in no order, one row twice, one of a user nobody knows, one of a day not stored."""
    schema = {"label": "int64", "entity_id": "string", "as_of": "date", "weight": "float64"}
    rows = [
        (1, "2", date(2026, 1, 5), 0.5),
        (0, "1", date(2026, 1, 3), 1.0),
        (1, "1", date(2026, 1, 3), 2.0),
        (0, "9", date(2026, 1, 3), 3.0),
        (0, "1", date(2026, 2, 1), 4.0),
    ]
    return table(schema, rows)


def rows_of(warehouse, joined: ibis.Table) -> list[dict]:
    """Execute, in the order of the labels' weights."""
    return warehouse.to_pyarrow(joined.order_by("weight")).to_pylist()


def test_every_spine_row_is_kept_with_its_columns(warehouse, sources, labels):
    """Labels, weights and double rows stay; features follow in the order asked for."""
    joined = point_in_time(NAMES, parse_declarations(RAW), sources, labels)
    assert joined.columns == ("label", "entity_id", "as_of", "weight", *NAMES)
    found = rows_of(warehouse, joined)
    assert [row["weight"] for row in found] == [0.5, 1.0, 2.0, 3.0, 4.0]
    assert [row["country"] for row in found] == ["PL", "UA", "UA", None, "UA"]
    assert [row["sent_1d"] for row in found] == [1, 1, 1, 0, 0]


def test_a_moment_equals_the_stored_day(warehouse, sources, stored, labels):
    """Training on the spot and scoring from the store see the same values."""
    declared = parse_declarations(RAW)
    known = labels.filter(labels["entity_id"] != "9", labels["as_of"] < date(2026, 2, 1))
    joined = join_features(NAMES, declared, stored, known)
    computed = point_in_time(NAMES, declared, sources, known)
    found = rows_of(warehouse, joined)
    assert {row.pop("missing_groups") for row in found} == {0}
    assert found == rows_of(warehouse, computed)


def test_what_was_not_stored_is_counted(warehouse, stored, labels):
    """A row without stored features says how many groups it lacks, and has nulls."""
    found = rows_of(warehouse, join_features(NAMES, parse_declarations(RAW), stored, labels))
    assert [row["missing_groups"] for row in found] == [0, 0, 0, 2, 2]
    assert [row["sent_1d"] for row in found] == [1, 1, 1, None, None]


def test_rows_of_another_definition_are_missing(warehouse, stored, labels):
    """After a group was declared otherwise, its old rows no longer join; other groups' do."""
    raw = RAW | {"messages": RAW["messages"] | {"windows": [1, 7, 28]}}
    found = rows_of(warehouse, join_features(NAMES, parse_declarations(raw), stored, labels))
    assert [row["missing_groups"] for row in found] == [1, 1, 1, 2, 2]
    assert [row["sent_1d"] for row in found] == [None] * 5
    assert found[0]["country"] == "PL"


def test_a_moment_of_the_day_means_its_end(warehouse, sources):
    """A spine with times instead of dates, and ids that are numbers, is read as days and text."""
    schema = {"entity_id": "int64", "as_of": "timestamp('UTC', 6)", "weight": "float64"}
    spine = table(schema, [(1, datetime(2026, 1, 2, 0, 0, 1, tzinfo=UTC), 1.0)])
    found = rows_of(warehouse, point_in_time(["sent_1d"], parse_declarations(RAW), sources, spine))
    assert found == [{"entity_id": "1", "as_of": date(2026, 1, 2), "weight": 1.0, "sent_1d": 1.0}]


@pytest.mark.parametrize(
    ("join", "message"),
    [
        (lambda d, s, t: point_in_time(["sent_1d"], d, s, t.drop("as_of")), r"needs \['as_of'\]"),
        (
            lambda d, s, t: join_features(["sent_1d"], d, s, t),
            r"features_messages lacks .*'definition'",
        ),
        (lambda d, _, t: join_features(["sent_1d"], d, {}, t), r"no stored features of group"),
        (
            lambda d, s, t: point_in_time(["sent_1d"], d, s, t.rename(sent_1d="label")),
            r"has \['sent_1d'\] already",
        ),
    ],
    ids=["no day", "no definition", "no table", "a name twice"],
)
def test_says_what_is_wrong_with_the_tables(sources, labels, join, message):
    """A spine or a stored table that cannot be joined is refused in one line."""
    with pytest.raises(SchemaError, match=message) as caught:
        join(parse_declarations(RAW), sources, labels)
    assert "\n" not in str(caught.value)


def test_an_unknown_feature_is_refused(sources, stored, labels):
    """Both joins name a feature that nobody declares."""
    declared = parse_declarations(RAW)
    for join, tables in ((point_in_time, sources), (join_features, stored)):
        with pytest.raises(ConfigurationError, match="'sent_2d' is not declared"):
            join(["sent_2d"], declared, tables, labels)


@pytest.mark.parametrize("dialect", ["duckdb", "bigquery"])
def test_compiles_for_both_warehouses(dialect):
    """Both joins are expressions that both warehouses can run."""
    declared = parse_declarations(RAW)
    moments = {"user_id": "string", "occurred_at": "timestamp('UTC', 6)"}
    words = {"friend": "string", "country": "string"}
    tables = {name: ibis.table(moments | words, name=name) for name in SOURCES}
    spine = ibis.table({"entity_id": "string", "as_of": "date"}, name="spine")
    days = {
        group.name: group_table(group, declared, tables, spine).schema()
        for group in declared.groups
    }
    kept = {name: ibis.table(schema, name=f"features_{name}") for name, schema in days.items()}
    assert "country" in ibis.to_sql(point_in_time(NAMES, declared, tables, spine), dialect=dialect)
    assert "missing" in ibis.to_sql(join_features(NAMES, declared, kept, spine), dialect=dialect)
