"""A line of a spool is a row, or is told what is wrong with it; none is both or neither."""

import json
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ucu_mlops.adapters import request_records
from ucu_mlops.adapters.request_records import damaged_batches, request_batches, request_row
from ucu_mlops.adapters.request_spool import SpoolLine
from ucu_mlops.errors import DataError
from ucu_mlops.serving.spool import _line

RECORD = {
    "request_id": "r1",
    "at": datetime(2026, 4, 1, 23, 30, tzinfo=UTC),
    "model": "scam",
    "version": "3",
    "variant": "champion",
    "entity_id": "u1",
    "reference": "given",
    "inputs": {"x": 1.5, "place": None},
    "labels": {"scam": {"probability": 0.25, "threshold": 0.5, "decision": False}},
    "latency_ms": 1.25,
    "caller": "ann",
}


def spelled(**changed) -> bytes:
    """Spell a record as the server does."""
    return _line(RECORD | changed)


def test_a_record_is_a_row():
    """Each column has what the server wrote; what it does not write is null, or no shadow."""
    row = request_row(spelled(), "scam")
    assert json.loads(row.pop("probabilities")) == RECORD["labels"]
    assert json.loads(row.pop("inputs")) == RECORD["inputs"]
    assert row == {
        "request_id": "r1",
        "model": "scam",
        "version": "3",
        "entity_id": "u1",
        "at": RECORD["at"],
        "day": date(2026, 4, 1),
        "experiment": None,
        "variant": "champion",
        "shadow": False,
        "latency_ms": 1.25,
        "error": None,
        "caller": "ann",
        "reference": "given",
    }


def test_the_day_is_utcs():
    """A time of another zone is another day here."""
    assert request_row(spelled(at="2026-04-02T01:00:00+03:00"), "scam")["day"] == date(2026, 4, 1)


def test_a_request_that_failed_needs_no_labels():
    """Its error is kept."""
    row = request_row(spelled(labels=None, error="no answer within 5 seconds"), "scam")
    assert (row["probabilities"], row["error"]) == (None, "no answer within 5 seconds")


def test_a_number_beyond_64_bits_is_kept_as_it_was_sent():
    """The server spells such a record another way; NaN in it is null."""
    row = request_row(spelled(inputs={"x": 2**70, "y": float("nan")}), "scam")
    assert json.loads(row["inputs"]) == {"x": 2**70, "y": None}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (spelled()[:-5], "is half written"),
        (b"\x00\xff\n", "is no JSON"),
        (b'{"a": "\\ud800"}\n', "is no JSON"),
        (b"[" * 100_000 + b"\n", "is no JSON"),
        (b"[1]\n", "is no JSON object"),
        (spelled(request_id=None), "lacks request_id"),
        (spelled(version=""), "lacks version"),
        (spelled(entity_id=7), "entity_id is no text"),
        (spelled(model="images"), "is an answer of images"),
        (spelled(at="yesterday"), "at is no time"),
        (spelled(at="2026-04-01T00:00:00"), "at has no time zone"),
        (spelled(at="0001-01-01T00:00:00+14:00"), "at is no time"),
        (spelled(latency_ms="fast"), "latency_ms is no number"),
        (spelled(labels=None), "lacks labels"),
        (spelled(labels={"scam": {"probability": 1.5}}), "probability of scam is none"),
        (spelled(labels={"scam": 0.5}), "probability of scam is none"),
        (
            spelled(inputs={"x": None} | {"y": [[]] * 2}).replace(
                b"[[],[]]", b"[" * 1000 + b"]" * 1000
            ),
            "is nested too deep",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_told(line, reason):
    """In words, and short."""
    with pytest.raises(DataError, match=f"^{reason}$"):
        request_row(line, "scam")


LINES = st.lists(
    st.binary(max_size=20) | st.sampled_from([spelled(), spelled(labels=None), spelled()[:-9]]),
    max_size=12,
)


@settings(max_examples=100, deadline=None)
@given(LINES, st.integers(1, 3))
def test_each_line_is_in_one_of_the_lists(contents, rows):
    """Answers and damaged lines together are all lines, in batches of bounded size."""
    lines = [SpoolLine("2026-04-01/a.jsonl", at, each) for at, each in enumerate(contents)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(request_records, "BATCH_ROWS", rows)
        good = list(request_batches(lines, "scam"))
        bad = list(damaged_batches(lines, "scam"))
    assert sum(map(len, good)) + sum(map(len, bad)) == len(lines)
    assert sum(map(len, good)) == contents.count(spelled())
    assert all(0 < len(batch) <= rows for batch in good + bad)
    assert all(row["reason"] for batch in bad for row in batch.to_pylist())
