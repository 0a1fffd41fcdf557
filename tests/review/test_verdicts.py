"""Which verdict counts, from when on, and what it teaches."""

from datetime import date

import ibis
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ucu_mlops.errors import ConfigurationError, SchemaError
from ucu_mlops.review.options import ReviewOptions
from ucu_mlops.review.queue import HISTORY_COLUMNS, build_queue
from ucu_mlops.review.verdicts import counted_verdicts, labels_from, paired_looks

CASES = ibis.schema(
    {
        "case_id": "string",
        "entity_id": "string",
        "as_of": "date",
        "source": "string",
        "propensity": "float64",
        "probability": "float64",
        "first_case_id": "string",
    }
)
VERDICTS = ibis.schema(
    {
        "verdict_id": "string",
        "case_id": "string",
        "is_violation": "boolean",
        "decided_at": "timestamp('UTC', 6)",
    }
)


def cases(*rows):
    """Make cases from (case_id, entity_id, day of April, propensity, first_case_id)."""
    columns = [(c, e, date(2026, 4, day), "model", p, 0.5, first) for c, e, day, p, first in rows]
    return arrow(CASES, columns)


def verdicts(*rows):
    """Make verdicts from (case_id, is_violation, when), numbered in order."""
    columns = [
        (f"v{n}", c, violation, pd.Timestamp(at, tz="UTC"))
        for n, (c, violation, at) in enumerate(rows)
    ]
    return arrow(VERDICTS, columns)


def arrow(schema, rows):
    """Make an Arrow table of rows."""
    named = [dict(zip(schema, row, strict=True)) for row in rows]
    return pa.Table.from_pylist(named, schema=schema.to_pyarrow())


def counted(case_rows, verdict_rows, known_by):
    """Count verdicts in DuckDB."""
    return counted_verdicts(
        ibis.memtable(case_rows), ibis.memtable(verdict_rows), date(2026, 4, known_by)
    )


LOOKS = cases(("a", "ann", 1, 1.0, None), ("a2", "ann", 4, 0.5, "a"), ("b", "bob", 2, 0.01, None))
KEYS = ("a", "a2", "b")
DECIDED = verdicts(
    ("a", True, "2026-04-02 10:00"),
    ("a", False, "2026-04-03 23:59:59.999999"),
    ("a2", True, "2026-04-05 00:00"),
    ("a", False, "2026-04-06 10:00"),
    ("b", False, "2026-04-04 10:00"),
)


@pytest.mark.parametrize(
    ("known_by", "expected"),
    [
        (1, {"a": None}),
        (2, {"a": True, "b": None}),
        (3, {"a": False, "b": None}),
        (4, {"a": False, "b": False}),
        (5, {"a": True, "b": False}),
        (6, {"a": True, "b": False}),
    ],
    ids=[
        "nothing decided, later cases unknown",
        "a first look",
        "a later first look wins, decided in the day's last microsecond",
        "a second look queued but undecided changes nothing",
        "a second look overrules from midnight on",
        "a still later first look does not overrule it",
    ],
)
def test_the_verdict_that_counts(known_by, expected):
    """Day by day, the verdict known by its end that counts."""
    rows = counted(LOOKS, DECIDED, known_by).to_pyarrow().to_pylist()
    assert {row["case_id"]: row["is_violation"] for row in rows} == expected


def test_tells_when_a_case_was_looked_at_again():
    """The first second look's day stands beside its first look from that day on."""
    again = [
        {row["case_id"]: row["second_look_as_of"] for row in rows.to_pyarrow().to_pylist()}
        for rows in (counted(LOOKS, DECIDED, 3), counted(LOOKS, DECIDED, 4))
    ]
    assert again == [{"a": None, "b": None}, {"a": date(2026, 4, 4), "b": None}]


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(KEYS), st.booleans(), st.integers(0, 9 * 24)),
        max_size=12,
    ),
    st.integers(1, 9),
)
def test_counts_as_the_rules_say(given_verdicts, known_by):
    """Any sequence of verdicts counts as reading them in order of time would."""
    start = pd.Timestamp("2026-04-01")
    rows = verdicts(*((c, v, start + pd.Timedelta(hours=h)) for c, v, h in given_verdicts))
    frame = rows.to_pandas()
    known = frame[frame["decided_at"] < pd.Timestamp(f"2026-04-{known_by + 1:02}", tz="UTC")]
    known = known.sort_values(["decided_at", "verdict_id"])
    on = {key: known.loc[known["case_id"] == key, "is_violation"].tolist() for key in KEYS}
    second = on["a2"] if known_by >= 4 else []
    expected = {"a": (second or on["a"] or [None])[-1], "b": (on["b"] or [None])[-1]}
    found = counted(LOOKS, rows, known_by).to_pyarrow().to_pylist()
    assert {row["case_id"]: row["is_violation"] for row in found} == {
        key: value for key, value in expected.items() if key == "a" or known_by >= 2
    }


def paired(case_rows, verdict_rows, known_by):
    """Pair looks in DuckDB."""
    rows = paired_looks(
        ibis.memtable(case_rows), ibis.memtable(verdict_rows), date(2026, 4, known_by)
    )
    return {
        row["case_id"]: (row["is_violation"], row["second_is_violation"], row["second_propensity"])
        for row in rows.to_pyarrow().to_pylist()
    }


def test_pairs_each_looks_own_latest_verdict():
    """A second look stands beside the first and does not overrule it; late ones count from then."""
    assert paired(LOOKS, DECIDED, 4) == {"a": (False, None, None), "b": (False, None, None)}
    assert paired(LOOKS, DECIDED, 5) == {"a": (False, True, 0.5), "b": (False, None, None)}


def test_repeated_and_orphaned_verdicts_pair_once():
    """Contradictions end with the latest word; verdicts on unknown cases are nobody's."""
    decided = verdicts(
        ("a", True, "2026-04-02"),
        ("a", True, "2026-04-02"),
        ("a2", False, "2026-04-05"),
        ("a2", True, "2026-04-07"),
        ("nobody", True, "2026-04-03"),
    )
    assert paired(LOOKS, decided, 9) == {"a": (True, True, 0.5), "b": (None, None, None)}


def test_labels_weigh_what_they_stand_for():
    """Decided cases only; a case explored with 1 % stands for 20 users at most by default."""
    labels = labels_from(counted(LOOKS, DECIDED, 5)).order_by("entity_id").to_pyarrow().to_pylist()
    assert [tuple(row.values())[2:6] for row in labels] == [
        (1, 1.0, 1.0, "all"),
        (0, 20.0, 0.01, "all"),
    ]
    early = labels_from(counted(LOOKS, DECIDED, 3)).to_pyarrow().to_pylist()
    assert [row["entity_id"] for row in early] == ["ann"]
    unclipped = labels_from(counted(LOOKS, DECIDED, 5), max_weight=1_000).to_pyarrow()
    assert max(unclipped["weight"].to_pylist()) == 100


def test_one_label_per_user_and_day():
    """Where a user had two cases on a day, the one decided last teaches."""
    both = cases(("m", "ann", 1, 1.0, None), ("r", "ann", 1, 1.0, None))
    decided = verdicts(("m", True, "2026-04-03"), ("r", False, "2026-04-02"))
    assert labels_from(counted(both, decided, 9)).to_pyarrow()["label"].to_pylist() == [1]


# ibis 12 asks pandas 3.1 for an option that is deprecated
@pytest.mark.filterwarnings("ignore:The 'future.infer_string' option")
def test_counted_verdicts_are_the_history_of_the_queue():
    """What the warehouse counts, the queue takes as it is."""
    past = counted(LOOKS, DECIDED, 4).execute()
    assert set(HISTORY_COLUMNS) <= set(past.columns)
    users = pd.DataFrame(
        {"entity_id": ["ann", "bob"], "probability": [0.9, 0.4], "reports_known_today": [0, 1]}
    )
    queue = build_queue(
        users,
        past,
        model="scam",
        label="scam",
        as_of=date(2026, 4, 4),
        version="1",
        source="rule",
        threshold=0.5,
        options=ReviewOptions(second_look_share=0.5),
    )
    assert dict(zip(queue["entity_id"], queue["source"], strict=True)) == {
        "ann": "rule",
        "bob": "second_look",
    }
    assert queue["first_case_id"].dropna().tolist() == ["b"]


@pytest.mark.parametrize("dialect", ["duckdb", "bigquery"])
def test_compiles_for(dialect):
    """Both warehouses can run it."""
    tables = ibis.table(CASES, name="cases"), ibis.table(VERDICTS, name="verdicts")
    labels = labels_from(counted_verdicts(*tables, date(2026, 4, 5)))
    assert "first_case_id" in ibis.to_sql(labels, dialect=dialect)
    assert "first_case_id" in ibis.to_sql(paired_looks(*tables, date(2026, 4, 5)), dialect=dialect)


def test_refuses_missing_columns_and_light_weights():
    """A missing column is named; a weight below 1 would shrink what was surely seen."""
    table = ibis.table(CASES, name="cases")
    decided = ibis.table(VERDICTS, name="verdicts")
    with pytest.raises(SchemaError, match=r"cases need \['first_case_id'\]"):
        counted_verdicts(table.drop("first_case_id"), decided, date(2026, 4, 5))
    with pytest.raises(SchemaError, match=r"verdicts need \['decided_at'\]"):
        counted_verdicts(table, decided.drop("decided_at"), date(2026, 4, 5))
    with pytest.raises(SchemaError, match=r"cases need \['propensity'\]"):
        paired_looks(table.drop("propensity"), decided, date(2026, 4, 5))
    with pytest.raises(ConfigurationError, match="max_weight"):
        labels_from(table, max_weight=0.5)
