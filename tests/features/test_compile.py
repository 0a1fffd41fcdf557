"""A group's table holds what a slow reader of the events, who knows no future, would write down."""

import math
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from statistics import mean, median, pstdev, stdev

import ibis
import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from ucu_mlops.errors import SchemaError
from ucu_mlops.features.compile import group_table
from ucu_mlops.features.declarations import parse_declarations
from ucu_mlops.features.groups import Aggregate, Derived, FeatureGroup

START = datetime(2026, 1, 1, tzinfo=UTC)
SCHEMA = {
    "who": "int64",
    "at": "timestamp('UTC', 6)",
    "seen": "timestamp('UTC', 6)",
    "value": "float64",
    "word": "string",
    "flag": "boolean",
}
DERIVED = "derived"
SPINE = {"entity_id": "string", "as_of": "date"}
RAW = {
    "sources": {"happened": {"entity": "who", "occurred": "at", "ingested": "seen"}},
    "all": {
        "description": "Every aggregate, over short and long windows.",
        "source": "happened",
        "windows": [1, 3, 28, "life"],
        "columns": {
            "gap": {"seconds_since": "any"},
            "since_x": {"seconds_since": {"word": "x", "flag": True}},
            "balance": {"running_sum": "value", "plus": {"word": "x"}, "minus": {"word": "y"}},
            "level": {"running_sum": "value"},
        },
        "features": {
            "kinds": {"aggregate": "entropy", "column": "word", "where": {"flag": True}},
            "once": {"aggregate": "once_share", "column": "value"},
            "middle": {"aggregate": "median", "column": "value", "where": {"word": ["x", "y"]}},
            "bursts": {"aggregate": "burstiness", "where": {"flag": [True, False]}},
            "new_words": {"aggregate": "new_share", "column": "word"},
            "gap_mean": {"aggregate": "mean", "column": "gap"},
            "gap_middle": {"aggregate": "median", "column": "gap", "where": {"flag": True}},
            "delay_min": {"aggregate": "min", "column": "since_x", "where": {"word": "y"}},
            "delay_spread": {"aggregate": "std", "column": "since_x"},
            "lowest": {"aggregate": "min", "column": "balance"},
            "risen": {"aggregate": "max", "column": "level", "where": {"word": "x"}},
            "n": {"aggregate": "count"},
            "flagged": {"aggregate": "count", "where": {"flag": True, "word": ["x", "y"]}},
            "total": {"aggregate": "sum", "column": "value", "where": {"flag": True}},
            "mean": {"aggregate": "mean", "column": "value"},
            "log_mean": {"aggregate": "mean", "column": "value", "transform": "log1p"},
            "smallest": {"aggregate": "min", "column": "value"},
            "largest": {"aggregate": "max", "column": "value", "where": {"word": "x"}},
            "spread": {"aggregate": "std", "column": "value", "where": {"word": ["x", "y"]}},
            "words": {"aggregate": "distinct", "column": "word"},
            "values": {"aggregate": "distinct", "column": "value", "where": {"flag": False}},
            "days": {
                "aggregate": "distinct",
                "column": "occurred_date",
                "windows": [1, 3, 28, 40, 70, "life"],  # bits hold some of these, others not
            },
            "flag_share": {"aggregate": "share", "where": {"flag": True}},
            "night": {"aggregate": "share", "where": {"occurred_hour": [0, 23]}},
            "top": {"aggregate": "top_share", "column": "word"},
            "top_value": {"aggregate": "top_share", "column": "value", "where": {"flag": True}},
            "since_last": {"aggregate": "time_since", "of": "last"},
            "since_first_x": {"aggregate": "time_since", "of": "first", "where": {"word": "x"}},
        },
        "attributes": {"word": "categorical", "flag": "categorical"},
        "ratios": {
            "per_word": {"numerator": "n_3d", "denominator": "words_3d"},
            "lately": {"numerator": "n_3d", "denominator": "n_life"},
            "drop": {"numerator": "n_life", "denominator": "since_last"},
        },
    },
}

# Microseconds around midnight decide which day an event belongs to, and from when it is known.
MOMENTS = st.builds(
    lambda day, us: START + timedelta(days=day, microseconds=us),
    st.integers(0, 40),
    st.sampled_from([0, 1, 43_200_000_000, 86_399_999_999]) | st.integers(0, 86_399_999_999),
)
LAGS = st.sampled_from([timedelta(0), timedelta(hours=7), timedelta(days=2), timedelta(days=5)])
SKEWED = LAGS | st.just(timedelta(hours=-30))
VALUES = st.none() | st.sampled_from([math.nan, math.inf, -math.inf, 1e200, -2.5, 0.0, 3.0, 1e28])
EVENT = st.builds(
    lambda who, at, lag, value, word, flag: (who, at, at + lag, value, word, flag),
    st.sampled_from([1, 1, 2]) | st.none(),
    MOMENTS,
    SKEWED,
    VALUES,
    st.sampled_from(["x", "x", "y", "z", None]),
    st.sampled_from([True, False, None]),
)
EVENTS = st.lists(EVENT, max_size=30).flatmap(
    lambda events: st.just(events + events[:3])  # the same event twice counts twice
)

# Shrinking asks the warehouse thousands of times; the first example that fails says enough.
PLAIN = settings(deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])


class Warehouse:
    """A DuckDB whose two tables are filled anew for each example; SQL is written once."""

    def __init__(self) -> None:
        self.connection = ibis.duckdb.connect(threads=2)
        self.queries: dict[str, str] = {}

    def compute(self, raw: dict, events: list, rows: list, day: date | None = None) -> list[dict]:
        """Run the only group on events for (entity, day) rows; null is None."""
        self.fill("happened", SCHEMA, events)
        self.fill("spine", SPINE, rows)
        key = repr((raw, day))
        if key not in self.queries:
            table = unbound(raw, day=day).order_by("entity_id", "as_of")
            self.queries[key] = ibis.to_sql(table, dialect="duckdb")
        found = self.connection.raw_sql(self.queries[key])
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def fill(self, name: str, schema: dict, rows: list[tuple]) -> None:
        """Replace a table's rows."""
        columns = list(zip(*rows, strict=True)) or [()] * len(schema)
        arrow = ibis.schema(schema).to_pyarrow()
        table = pa.table(dict(zip(schema, columns, strict=True)), schema=arrow)
        self.connection.create_table(name, table, overwrite=True)


@pytest.fixture(scope="module")
def warehouse():
    made = Warehouse()
    yield made
    made.connection.disconnect()


def unbound(raw: dict, schema: dict | None = None, day: date | None = None) -> ibis.Table:
    """Return the group's expression over tables that exist in name only."""
    declared = parse_declarations(raw)
    tables = {"happened": ibis.table(schema or SCHEMA, name="happened")}
    spine = ibis.table(SPINE, name="spine")
    return group_table(declared.groups[0], declared, tables, spine, day)


def expected(group: FeatureGroup, events: list, who: str, day: date) -> dict:
    """Read all events one by one and write down the features of one entity and day."""
    end = datetime.combine(day, datetime.min.time(), UTC) + timedelta(days=1)
    mine = [
        {"word": word, "flag": flag, "value": value, "at": at, "seen": seen}
        for owner, at, seen, value, word, flag in events
        if str(owner) == who and at < end and seen < end
    ]
    row = {each.name: slow_value(each, mine, end) for each in group.aggregates}
    latest = max(mine, key=order_of_rows, default={"word": None, "flag": None})
    row["word"] = latest["word"]
    row["flag"] = None if latest["flag"] is None else str(latest["flag"]).lower()
    for ratio in group.ratios:
        above, below = row[ratio.numerator], row[ratio.denominator]
        row[ratio.name] = None if above is None or not below else above / below
    return row


def order_of_rows(event: dict) -> tuple:
    """Latest occurred, then latest known, then largest; null is smallest."""
    ties = [(event[name] is not None, str(event[name])) for name in ("word", "flag")]
    return (event["at"], event["seen"], *ties)


def slow_value(feature: Aggregate, events: list[dict], end: datetime) -> float | None:
    """Compute one aggregate the plain way."""
    if feature.window is not None:
        events = [each for each in events if each["at"] >= end - timedelta(days=feature.window)]
    if feature.derived:
        events = [each | {DERIVED: derive(feature.derived, each, events)} for each in events]
    chosen = [each for each in events if all(meets(each, *term) for term in feature.where)]
    column = DERIVED if feature.derived else feature.column
    values = [read(each, column) for each in chosen if column]
    values = [each for each in values if each is not None]
    if feature.transform:
        values = [math.copysign(math.log1p(abs(each)), each) for each in values]
    ages = [(end - each["at"].replace(microsecond=0)) / timedelta(days=1) for each in chosen]
    return {
        "count": lambda: len(chosen),
        "sum": lambda: sum(values),
        "mean": lambda: sum(values) / len(values) if values else None,
        "min": lambda: min(values, default=None),
        "max": lambda: max(values, default=None),
        "std": lambda: stdev(values) if len(values) > 1 else None,
        "median": lambda: median(values) if values else None,
        "entropy": lambda: (
            round(sum(-n * math.log(n) for n in shares_of(values)), 9) if values else None
        ),
        "once_share": lambda: (
            mean(values.count(each) == 1 for each in set(values)) if values else None
        ),
        "burstiness": lambda: bursts(sorted(second(each) for each in chosen)),
        "new_share": lambda: new_share(chosen, str(feature.column), end),
        "distinct": lambda: len(set(values)),
        "share": lambda: len(chosen) / len(events) if events else None,
        "top_share": lambda: max(map(values.count, values)) / len(values) if values else None,
        "time_since": lambda: (min if feature.of == "last" else max)(ages, default=None),
    }[feature.aggregate]()


def second(event: dict) -> float:
    """Return the whole second in which an event occurred."""
    return event["at"].replace(microsecond=0).timestamp()


def derive(derived: Derived, event: dict, events: list[dict]) -> float | None:
    """Look at all events of the window that lie before this one."""
    if derived.made_by == "seconds_since":
        found = [
            second(each)
            for each in events
            if second(each) < second(event) and all(meets(each, *term) for term in derived.where)
        ]
        return second(event) - max(found) if found else None
    total = 0.0
    for each in events:
        if second(each) <= second(event) and (value := read(each, str(derived.column))) is not None:
            if derived.minus and all(meets(each, *term) for term in derived.minus):
                total -= value
            elif all(meets(each, *term) for term in derived.where):
                total += value
    return total


def shares_of(values: list) -> list[float]:
    """Return the share of each different value."""
    return [values.count(each) / len(values) for each in set(values)]


def bursts(seconds: list[float]) -> float | None:
    """Compare spread and mean of the gaps."""
    gaps = [after - before for before, after in pairwise(seconds)]
    if len(gaps) < 2 or not any(gaps):
        return None
    return round((pstdev(gaps) - mean(gaps)) / (pstdev(gaps) + mean(gaps)), 6)


def new_share(events: list[dict], column: str, end: datetime) -> float | None:
    """Compare the last day's values with those of the days before."""
    today = {read(each, column) for each in events if each["at"] >= end - timedelta(days=1)}
    before = {read(each, column) for each in events if each["at"] < end - timedelta(days=1)}
    today.discard(None)
    return len(today - before) / len(today) if today else None


def meets(event: dict, column: str, allowed: tuple) -> bool:
    """Say whether an event meets one term of a condition."""
    return read(event, column) in allowed


def read(event: dict, column: str) -> object:
    """Return a column's value; what is no proper number is null."""
    if column == "occurred_hour":
        return event["at"].hour
    if column == "occurred_date":
        return event["at"].date()
    value = event[column]
    return None if isinstance(value, float) and not abs(value) <= 1e150 else value


def assert_equal(found: list[dict], wanted: list[dict]) -> None:
    """Compare rows; floats to nine digits, null only with null."""
    assert len(found) == len(wanted)
    for row, reference in zip(found, wanted, strict=True):
        for name, value in reference.items():
            close = pytest.approx(value, rel=1e-9) if isinstance(value, float) else value
            assert row[name] == close, (name, row)


ROWS = [(who, START.date() + timedelta(days=day)) for who in "123" for day in range(0, 44, 3)]


@settings(PLAIN, max_examples=60)
@given(EVENTS)
def test_equals_the_slow_reader(warehouse, events):
    """Every aggregate over every window, with late, skewed, tied and broken events."""
    group = parse_declarations(RAW).groups[0]
    wanted = [expected(group, events, who, day) for who, day in ROWS]
    assert_equal(warehouse.compute(RAW, events, ROWS), wanted)


@settings(PLAIN, max_examples=30)
@given(EVENTS)
def test_many_few_and_single_rows_equal_the_slow_reader(warehouse, events):
    """An entity with a row each third day, one with four rows and one with one, side by side."""
    rows = [*ROWS[:15], *ROWS[15:30:4], ROWS[40]]
    group = parse_declarations(RAW).groups[0]
    wanted = [expected(group, events, who, day) for who, day in rows]
    assert_equal(warehouse.compute(RAW, events, rows), wanted)


@settings(PLAIN, max_examples=15)
@given(EVENTS)
def test_without_ingestion_an_event_is_known_when_it_occurs(warehouse, events):
    """A source that names no such column is read as if each event was ingested at once."""
    raw = RAW | {"sources": {"happened": {"entity": "who", "occurred": "at"}}}
    group = parse_declarations(raw).groups[0]
    at_once = [(who, at, at, *rest) for who, at, _, *rest in events]
    wanted = [expected(group, at_once, who, day) for who, day in ROWS]
    assert_equal(warehouse.compute(raw, events, ROWS), wanted)


@settings(PLAIN, max_examples=5)
@given(EVENTS)
def test_a_range_of_days_equals_its_days_one_by_one(warehouse, events):
    """Computing a month at once or each day by itself gives the same rows."""
    rows = ROWS[:8]
    one_by_one = [row for each in rows for row in warehouse.compute(RAW, events, [each])]
    assert_equal(warehouse.compute(RAW, events, rows), one_by_one)


@settings(PLAIN, max_examples=40)
@given(EVENTS, st.sampled_from([START.date() + timedelta(days=each) for each in (12, 33, 42)]))
def test_an_only_day_equals_the_slow_reader(warehouse, events, day):
    """A group told that it has one day computes that day's rows alike, and no other's."""
    group = parse_declarations(RAW).groups[0]
    wanted = [expected(group, events, who, at) for who, at in ROWS if at == day]
    assert len(wanted) == 3
    assert_equal(warehouse.compute(RAW, events, ROWS, day), wanted)


def test_a_spread_that_is_only_rounding_is_none(warehouse):
    """What differs by less than sums are certain by is spread by 0: trees would split on noise."""
    at = [START + timedelta(seconds=n) for n in range(4)]
    events = [(1, each, each, 12.3 * (1 + n * 1e-9), "x", True) for n, each in enumerate(at)]
    (found,) = warehouse.compute(RAW, events, [("1", START.date())])
    assert found["spread_1d"] == 0.0
    (found,) = warehouse.compute(RAW, [*events, (1, at[0], at[0], 12.4, "x", True)], ROWS[:1])
    assert found["spread_1d"] == pytest.approx(stdev([12.3] * 4 + [12.4]), rel=1e-6)


def test_moments_without_time_zone_are_utc(warehouse):
    """A table that does not say its time zone is read as if it said UTC."""
    at = START + timedelta(days=3, hours=23, minutes=59)
    events = [(1, at, at, 3.0, "x", True), (1, at - timedelta(days=1), at, None, "y", None)]
    naive = SCHEMA | {"at": "timestamp(6)", "seen": "timestamp(6)"}
    wanted = warehouse.compute(RAW, events, ROWS)
    bare = [
        (who, *(each.replace(tzinfo=None) for each in (at, seen)), *rest)
        for who, at, seen, *rest in events
    ]
    warehouse.fill("happened", naive, bare)
    table = unbound(RAW, naive).order_by("entity_id", "as_of")
    found = warehouse.connection.raw_sql(ibis.to_sql(table, dialect="duckdb")).fetchall()
    assert found == [tuple(row.values()) for row in wanted]


def test_what_came_later_changes_nothing_before(warehouse):
    """Running a day again after late events have come gives the same."""
    at = START + timedelta(days=3)
    known = [(1, at, at, 3.0, "x", True)]
    late = [(1, at, at + timedelta(days=1), 9.0, "y", False)]
    rows = [("1", at.date())]
    assert warehouse.compute(RAW, known + late, rows) == warehouse.compute(RAW, known, rows)


def test_one_row_per_entity_and_day_with_the_definition(warehouse):
    """Each row of the spine appears once, in stable types, whether or not there is an event."""
    found = warehouse.compute(RAW, [], [("1", date(2026, 1, 1))] * 2 + [("2", date(2026, 1, 1))])
    group = parse_declarations(RAW).groups[0]
    assert [row["entity_id"] for row in found] == ["1", "2"]
    assert {row["definition"] for row in found} == {group.definition}
    assert (found[0]["n_life"], found[0]["total_3d"], found[0]["words_28d"]) == (0, 0, 0)
    assert found[0]["mean_life"] is None


def test_types_are_the_same_for_every_feature():
    """Numbers are float64 and words are strings, whatever the source had."""
    schema = unbound(RAW).schema()
    for feature in parse_declarations(RAW).groups[0].features:
        wanted = "float64" if feature.kind == "numeric" else "string"
        assert str(schema[feature.name]) == wanted, feature.name


@pytest.mark.parametrize("dialect", ["duckdb", "bigquery"])
def test_compiles_for_both_warehouses(dialect):
    """Nothing in the expression is known to one warehouse only."""
    assert "since_first_x" in ibis.to_sql(unbound(RAW), dialect=dialect)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"value": None}, r"'happened' lacks \['value'\], which group 'all' needs"),
        ({"seen": None}, r"'happened' lacks \['seen'\]"),
        ({"value": "string"}, r"feature all\.middle_1d: median needs numbers, column 'value'"),
        ({"flag": "string"}, r"compares column 'flag' of string with \[True\]"),
        ({"word": "int64"}, r"compares column 'word' of int64 with \['x', 'y'\]"),
        ({"at": "string"}, r"'at' must be a timestamp, got string"),
        ({"word": None, "words": "string"}, r"lacks \['word'\].*; did you mean 'words'\?"),
        ({"gap": "int64"}, r"derives \['gap'\], which source 'happened' has as well; rename"),
    ],
    ids=[
        *("no column", "no ingestion", "words to add up", "no boolean", "no words"),
        *("no timestamp", "misspelt column", "hidden column"),
    ],
)
def test_says_which_column_is_wrong(change, message):
    """A column that is missing or of the wrong type is named, with table and feature."""
    schema = {name: kind for name, kind in (SCHEMA | change).items() if kind}
    with pytest.raises(SchemaError, match=message) as caught:
        unbound(RAW, schema)
    assert "\n" not in str(caught.value)


def test_says_which_table_is_missing():
    """A declared source without a table is named, with those that came."""
    declared = parse_declarations(RAW)
    spine = ibis.table(SPINE, name="spine")
    with pytest.raises(SchemaError, match=r"needs the source table 'happened'; got \['events'\]"):
        group_table(declared.groups[0], declared, {"events": spine}, spine)


def test_a_spine_without_day_is_refused():
    """A spine that does not say as of when is refused."""
    declared = parse_declarations(RAW)
    spine = ibis.table({"entity_id": "string"}, name="spine")
    with pytest.raises(SchemaError, match=r"spine of features needs \['as_of'\]"):
        group_table(
            declared.groups[0], declared, {"happened": ibis.table(SCHEMA, name="happened")}, spine
        )
