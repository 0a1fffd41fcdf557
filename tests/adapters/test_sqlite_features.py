"""Online features in a file: what a reader sees while others write, and after they were killed."""

import asyncio
import fcntl
import signal
import subprocess
import sys
import textwrap
from datetime import UTC, date, datetime, timedelta

import ibis
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ucu_mlops.adapters.sqlite_features import SqliteFeatures
from ucu_mlops.errors import OnlineFeaturesError
from ucu_mlops.features.online import OnlineFeature, Published, Snapshot, Update, end_of

FEATURES = (
    OnlineFeature("messages_7d", "numeric", "a1"),
    OnlineFeature("country", "categorical", "b2"),
)
DAY = date(2026, 3, 31)


def snapshot(day: date = DAY, features=FEATURES, **rows) -> Snapshot:
    """Make a snapshot of users by id, each a tuple of values."""
    names = [each.name for each in features]
    columns = list(zip(*rows.values(), strict=True)) if rows else [[] for _ in names]
    frame = pd.DataFrame({"entity_id": list(rows)} | dict(zip(names, columns, strict=True)))
    kinds = {each.name: "float64" if each.kind == "numeric" else "string" for each in features}
    table = ibis.memtable(frame, schema={"entity_id": "string", **kinds})
    return Snapshot(Published(day, features), table)


def values_of(online: SqliteFeatures, entity_id: str):
    """Look a user up; None if there is none."""
    row = asyncio.run(online.look_up(entity_id))
    return None if row is None else list(row.values)


def test_a_user_is_found_as_published(tmp_path):
    """Values come back as they were, unknown ones as None, as of the end of the day."""
    online = SqliteFeatures(tmp_path / "new/online.db")
    assert asyncio.run(online.published()) is None
    assert values_of(online, "u1") is None
    online.publish(snapshot(u1=(0.1, "UA"), u2=(None, None)))
    row = asyncio.run(online.look_up("u1"))
    assert values_of(online, "u1") == [0.1, "UA"]
    assert row.moment == datetime(2026, 4, 1, tzinfo=UTC)
    assert row.published == Published(DAY, FEATURES)
    assert values_of(online, "u2") == [None, None]
    assert values_of(online, "u3") is None


def test_readers_see_a_snapshot_whole_or_not_at_all(tmp_path):
    """While a day is written an open reader goes on with the one before; then all is new."""
    path = tmp_path / "online.db"
    writer, reader = SqliteFeatures(path), SqliteFeatures(path)
    writer.publish(snapshot(u1=(1.0, "UA"), u2=(1.0, "UA")))
    new = snapshot(DAY + timedelta(1), u1=(2.0, "LV"), u3=(2.0, "LV"))
    with writer._writer() as connection:  # as far as a publisher is before it moves over
        number = writer._written(connection, new)
        meanwhile = values_of(reader, "u1"), values_of(reader, "u2"), values_of(reader, "u3")
        writer._make_current(connection, number, new.published)
    assert meanwhile == ([1.0, "UA"], [1.0, "UA"], None)
    assert values_of(reader, "u1") == [2.0, "LV"]
    assert values_of(reader, "u2") is None
    assert values_of(reader, "u3") == [2.0, "LV"]


def test_a_killed_publish_changes_nothing_and_can_be_repeated(tmp_path):
    """Killed before it moves over, readers see the day before, and no row is left over."""
    path = tmp_path / "online.db"
    online = SqliteFeatures(path)
    online.publish(snapshot(u1=(1.0, "UA")))
    code = f"""
        import os, signal
        from tests.adapters.test_sqlite_features import *
        online = SqliteFeatures({str(path)!r})
        SqliteFeatures._make_current = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        online.publish(snapshot(DAY + timedelta(1), u1=(2.0, "UA"), u9=(2.0, "UA")))
    """
    ran = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=False)
    assert ran.returncode == -signal.SIGKILL
    assert values_of(SqliteFeatures(path), "u1") == [1.0, "UA"]
    online.publish(snapshot(DAY + timedelta(1), u1=(3.0, "UA")))
    assert values_of(SqliteFeatures(path), "u1") == [3.0, "UA"]
    assert values_of(SqliteFeatures(path), "u9") is None
    with online._writer() as connection:
        assert connection.execute("SELECT count(*) FROM features").fetchone() == (1,)


def test_an_earlier_day_does_not_replace_a_later_one(tmp_path, caplog):
    """A backfill leaves what is published, and says so; with a new declaration it does not."""
    online = SqliteFeatures(tmp_path / "online.db")
    online.publish(snapshot(u1=(2.0, "UA")))
    assert online.publish(snapshot(DAY - timedelta(1), u1=(1.0, "UA"))).as_of == DAY
    assert values_of(online, "u1") == [2.0, "UA"]
    assert "an earlier day" in caplog.text
    other = (OnlineFeature("messages_7d", "numeric", "c3"), FEATURES[1])
    online.publish(snapshot(DAY - timedelta(1), other, u1=(1.0, "UA")))
    assert values_of(online, "u1") == [1.0, "UA"]


def test_two_publishers_at_once_are_one_and_an_error(tmp_path):
    """Who comes while somebody publishes is told so in one line, and harms nothing."""
    online = SqliteFeatures(tmp_path / "online.db")
    online.publish(snapshot(u1=(1.0, "UA")))
    with (tmp_path / "online.db.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(OnlineFeaturesError, match="another process publishes"):
            online.publish(snapshot(DAY + timedelta(1), u1=(2.0, "UA")))
    assert values_of(online, "u1") == [1.0, "UA"]


def test_updates_lie_over_the_snapshot_until_a_later_one_holds_them(tmp_path):
    """A later value counts, one older than the snapshot does not; the next snapshot ends it."""
    online = SqliteFeatures(tmp_path / "online.db")
    with pytest.raises(OnlineFeaturesError, match="nothing is published"):
        online.update([])
    online.publish(snapshot(u1=(1.0, "UA")))
    noon = datetime(2026, 4, 1, 12, tzinfo=UTC)
    online.update(
        [
            Update("u1", "messages_7d", noon, 5.0),
            Update("u1", "country", end_of(DAY) - timedelta(1), "LV"),  # the snapshot is later
            Update("new", "country", noon, "LT"),
        ]
    )
    row = asyncio.run(online.look_up("u1"))
    assert (list(row.values), row.moment) == ([5.0, "UA"], noon)
    assert values_of(online, "new") == [None, "LT"]
    online.publish(snapshot(DAY + timedelta(1), u1=(6.0, "UA")))
    assert values_of(online, "u1") == [6.0, "UA"]
    assert values_of(online, "new") is None


MOMENTS = st.integers(0, 5).map(lambda hour: end_of(DAY) + timedelta(hours=hour))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(MOMENTS, st.floats(-9, 9)), min_size=1, max_size=6), st.randoms())
def test_the_latest_update_counts_in_whatever_order_they_come(tmp_path_factory, updates, random):
    """Updates of different moments may arrive in any order, and twice."""
    by_moment = dict(updates)
    online = SqliteFeatures(tmp_path_factory.mktemp("online") / "online.db")
    online.publish(snapshot(u1=(1.0, "UA")))
    arriving = list(by_moment.items()) * 2
    random.shuffle(arriving)
    for moment, value in arriving:
        online.update([Update("u1", "messages_7d", moment, value)])
    assert values_of(online, "u1") == [by_moment[max(by_moment)], "UA"]


def test_what_is_no_file_of_features_is_said_in_one_line(tmp_path):
    """A damaged file names itself and the remedy; once mended, the same reader goes on."""
    path = tmp_path / "online.db"
    path.write_bytes(b"no database" * 100)
    online = SqliteFeatures(path)
    with pytest.raises(OnlineFeaturesError, match=r"online\.db.*kedro features publish") as caught:
        asyncio.run(online.look_up("u1"))
    assert "\n" not in str(caught.value)
    path.unlink()
    online.publish(snapshot(u1=(1.0, "UA")))
    assert values_of(online, "u1") == [1.0, "UA"]
