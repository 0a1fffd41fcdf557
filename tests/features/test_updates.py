"""Updates as a caller writes them."""

import json
from datetime import UTC, date, datetime

import pytest

from ucu_mlops.errors import SchemaError
from ucu_mlops.features.online import OnlineFeature, Published, Update
from ucu_mlops.features.updates import read_updates

PUBLISHED = Published(
    date(2026, 3, 31),
    (OnlineFeature("messages_7d", "numeric", "a1"), OnlineFeature("country", "categorical", "b2")),
)
GOOD = {"entity_id": "u1", "moment": "2026-04-01T12:30:00+03:00", "features": {"messages_7d": 3}}


def test_lines_become_updates():
    """One update per feature, its moment in UTC; empty lines are passed over."""
    lines = [json.dumps(GOOD), "\n", json.dumps(GOOD | {"features": {"country": None}})]
    moment = datetime(2026, 4, 1, 9, 30, tzinfo=UTC)
    assert list(read_updates(lines, PUBLISHED)) == [
        Update("u1", "messages_7d", moment, 3.0),
        Update("u1", "country", moment, None),
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "line 1: "),
        ("[]", "an object of"),
        (json.dumps(GOOD | {"more": 1}), "an object of"),
        (json.dumps(GOOD | {"entity_id": 7}), "entity_id must be text"),
        (json.dumps(GOOD | {"moment": "2026-04-01T12:30:00"}), "zone"),
        (json.dumps(GOOD | {"moment": "noon"}), "noon"),
        (json.dumps(GOOD | {"features": {}}), "at least one"),
        (json.dumps(GOOD | {"features": {"mesages_7d": 1}}), "'mesages_7d' is not published"),
        (json.dumps(GOOD | {"features": {"messages_7d": "3"}}), "finite number"),
        (json.dumps(GOOD | {"features": {"messages_7d": float("nan")}}), "finite number"),
        (json.dumps(GOOD | {"features": {"messages_7d": True}}), "finite number"),
        (json.dumps(GOOD | {"features": {"country": 1}}), "text or null"),
    ],
)
def test_what_is_no_update_is_refused_with_its_line(line, said):
    """The message says which line, and what was wrong with it."""
    with pytest.raises(SchemaError) as caught:
        list(read_updates([line], PUBLISHED))
    assert str(caught.value).startswith("line 1: ")
    assert said in str(caught.value)
