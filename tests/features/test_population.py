"""Whoever did something lately, and was known to have, is active."""

from datetime import UTC, date, datetime, timedelta

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ucu_mlops.errors import ConfigurationError, SchemaError
from ucu_mlops.features.declarations import parse_declarations
from ucu_mlops.features.population import ActiveOptions, active_entities

START = datetime(2026, 1, 1, tzinfo=UTC)
SCHEMA = {"who": "string", "at": "timestamp('UTC', 6)", "seen": "timestamp('UTC', 6)"}
DECLARED = parse_declarations(
    {"sources": {"sessions": {"entity": "who", "occurred": "at", "ingested": "seen"}}}
)
EVENTS = st.lists(
    st.builds(
        lambda who, hours, lag: (
            who,
            START + timedelta(hours=hours),
            START + timedelta(hours=hours + lag),
        ),
        st.sampled_from(["a", "b", "c"]),
        st.integers(0, 20 * 24),
        st.sampled_from([0, 1, 30, 100, 400]),
    ),
    max_size=15,
)


@pytest.fixture(scope="module")
def warehouse():
    connection = ibis.duckdb.connect(threads=2)
    yield connection
    connection.disconnect()


@settings(deadline=None, max_examples=25)
@given(EVENTS, st.integers(1, 9), st.integers(0, 12), st.integers(0, 12))
def test_active_means_an_event_in_the_window_known_by_the_end(
    warehouse, events, days, first, length
):
    """The same entities and days as when each day is looked at by itself."""
    start = START.date() + timedelta(days=first)
    end = start + timedelta(days=length)
    columns = list(zip(*events, strict=True)) or [()] * 3
    arrow = pa.table(
        dict(zip(SCHEMA, columns, strict=True)), schema=ibis.schema(SCHEMA).to_pyarrow()
    )
    active = active_entities(
        ActiveOptions("sessions", days), DECLARED, {"sessions": ibis.memtable(arrow)}, start, end
    )
    found = [(row["entity_id"], row["as_of"]) for row in warehouse.to_pyarrow(active).to_pylist()]
    expected = set()
    for day in (start + timedelta(days=each) for each in range(length + 1)):
        over = datetime.combine(day + timedelta(days=1), datetime.min.time(), UTC)
        begin = over - timedelta(days=days)
        expected |= {(who, day) for who, at, seen in events if begin <= at < over and seen < over}
    assert len(found) == len(set(found))
    assert set(found) == expected


@pytest.mark.parametrize("dialect", ["duckdb", "bigquery"])
def test_compiles_for_both_warehouses(dialect):
    """A range of days is one expression that both warehouses can run."""
    table = ibis.table(SCHEMA, name="sessions")
    active = active_entities(
        ActiveOptions("sessions", 7),
        DECLARED,
        {"sessions": table},
        date(2026, 1, 1),
        date(2026, 1, 14),
    )
    assert active.schema() == ibis.schema({"entity_id": "string", "as_of": "date"})
    assert "entity_id" in ibis.to_sql(active, dialect=dialect)


@pytest.mark.parametrize("days", [0, -1, 1.5, True], ids=str)
def test_a_window_without_a_day_is_refused(days):
    """Activity is looked for on at least one whole day."""
    with pytest.raises(ConfigurationError, match="days must be a whole number of at least 1"):
        ActiveOptions("sessions", days)


def test_what_cannot_be_looked_at_is_refused():
    """An unknown source, a missing table and days in the wrong order are named."""
    table = {"sessions": ibis.table(SCHEMA, name="sessions")}
    day, before = date(2026, 1, 2), date(2026, 1, 1)
    with pytest.raises(ConfigurationError, match="source 'session' is not declared"):
        active_entities(ActiveOptions("session", 7), DECLARED, table, day, day)
    with pytest.raises(SchemaError, match="population needs the source table 'sessions'"):
        active_entities(ActiveOptions("sessions", 7), DECLARED, {}, day, day)
    with pytest.raises(ConfigurationError, match="end must not be before start"):
        active_entities(ActiveOptions("sessions", 7), DECLARED, table, day, before)
