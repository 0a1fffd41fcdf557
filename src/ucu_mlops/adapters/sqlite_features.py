"""Online features in one SQLite file: many readers, one writer, look-ups by key.

A snapshot's rows are written under a new number, which nobody reads before one transaction makes it
the current one; until then readers see the one before, whole (https://www.sqlite.org/wal.html).
"""

import fcntl
import logging
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import astuple
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import orjson
import pyarrow as pa

from ucu_mlops.errors import OnlineFeaturesError
from ucu_mlops.features.online import OnlineFeature, OnlineRow, Published, Snapshot, Update

logger = logging.getLogger(__name__)

PATIENCE_S = 30.0
CHUNK = 20_000  # rows of a transaction; updates slip in between
TABLES = (
    "PRAGMA journal_mode = WAL",
    """CREATE TABLE IF NOT EXISTS snapshots (
        number INTEGER PRIMARY KEY, is_current INTEGER NOT NULL, as_of TEXT NOT NULL,
        features BLOB NOT NULL
    ) STRICT""",
    """CREATE TABLE IF NOT EXISTS features (
        snapshot INTEGER NOT NULL, entity_id TEXT NOT NULL, row BLOB NOT NULL,
        PRIMARY KEY (snapshot, entity_id)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS updates (
        entity_id TEXT NOT NULL, feature TEXT NOT NULL, moment INTEGER NOT NULL, value ANY,
        PRIMARY KEY (entity_id, feature)
    ) STRICT, WITHOUT ROWID""",
)
EXISTS = "SELECT 1 FROM sqlite_master WHERE name = 'updates'"
CURRENT = "SELECT number, as_of, features FROM snapshots WHERE is_current"
ONE = """
SELECT number, (SELECT row FROM features WHERE snapshot = number AND entity_id = ?1),
    EXISTS (SELECT 1 FROM updates WHERE entity_id = ?1)
FROM snapshots WHERE is_current
"""
UPDATES = "SELECT feature, moment, value FROM updates WHERE entity_id = ?"
UPSERT = """
INSERT INTO updates VALUES (?, ?, ?, ?) ON CONFLICT (entity_id, feature)
DO UPDATE SET moment = excluded.moment, value = excluded.value WHERE excluded.moment >= moment
"""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class SqliteFeatures:
    """Fills the ports ``OnlineFeatures`` and ``WritableFeatures`` of ``features.online``.

    A look-up takes some ten microseconds and is done in the turn of the caller's event loop.

    Args:
        path: The file; made, with its folder, by whoever publishes first.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._reading: sqlite3.Connection | None = None
        self._known: tuple[int, Published] | None = None

    async def published(self) -> Published | None:
        """Say what is published."""
        with self._telling():
            return self._current() if self._reader() else None

    async def look_up(self, entity_id: str) -> OnlineRow | None:
        """Return a user's row, the updates since the snapshot laid over it."""
        with self._telling():
            reader = self._reader()
            if reader is None:
                return None
            found = reader.execute(ONE, (entity_id,)).fetchone()
            if found is None:
                return None
            number, row, is_updated = found
            if self._known is not None and self._known[0] == number and not is_updated:
                published = self._known[1]
                if row is None:
                    return None
                return OnlineRow(published, orjson.loads(row), published.moment)
            return self._whole(reader, entity_id)

    def publish(self, snapshot: Snapshot) -> Published:
        """Put a snapshot in the place of the one before."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._telling(), self._alone(), closing(self._writer()) as writer:
            now = _read_current(writer)
            if now is not None and _is_earlier(snapshot.published, now[1]):
                logger.warning(
                    "features of %s are published already; those of %s, an earlier day, are not",
                    now[1].as_of,
                    snapshot.published.as_of,
                )
                return now[1]
            number = self._written(writer, snapshot)
            self._make_current(writer, number, snapshot.published)
        return snapshot.published

    def update(self, updates: Sequence[Update]) -> None:
        """Write single values, all or none."""
        rows = [
            (each.entity_id, each.feature, _microseconds(each.moment), each.value)
            for each in updates
        ]
        if not self._path.exists():
            raise OnlineFeaturesError(
                f"{self._path}: nothing is published that could be updated; run "
                "kedro features publish"
            )
        with self._telling(), closing(self._writer()) as writer, _transaction(writer):
            writer.executemany(UPSERT, rows)

    def _whole(self, reader: sqlite3.Connection, entity_id: str) -> OnlineRow | None:
        """Read it in one transaction: the snapshot is another, or there are updates."""
        with _transaction(reader, "DEFERRED"):
            published = self._current()
            found = reader.execute(ONE, (entity_id,)).fetchone()
            updates = reader.execute(UPDATES, (entity_id,)).fetchall()
        if published is None or (found[1] is None and not updates):
            return None
        size = len(published.features)
        values = orjson.loads(found[1]) if found[1] is not None else [None] * size
        moment = published.moment
        for feature, at, value in updates:
            if (changed := EPOCH + at * MICROSECOND) < published.moment:
                continue
            if (place := published.places.get(feature)) is not None:
                values[place], moment = value, max(moment, changed)
        if found[1] is None and moment == published.moment:
            return None
        return OnlineRow(published, values, moment)

    def _current(self) -> Published | None:
        assert self._reading is not None  # noqa: S101 (its callers have opened it)
        found = _read_current(self._reading)
        if found is None or self._known is None or found[0] != self._known[0]:
            self._known = found
        return self._known[1] if self._known else None

    def _reader(self) -> sqlite3.Connection | None:
        """Open the file once; None while there is none, or no snapshot was ever begun."""
        if self._reading is None and self._path.exists():
            reading = sqlite3.connect(
                f"file:{self._path}?mode=ro", uri=True, timeout=1.0, isolation_level=None
            )
            if reading.execute(EXISTS).fetchone() is None:
                reading.close()
                return None
            self._reading = reading
        return self._reading

    def _writer(self) -> sqlite3.Connection:
        writer = sqlite3.connect(self._path, timeout=PATIENCE_S, isolation_level=None)
        for statement in TABLES:
            writer.execute(statement)
        return writer

    def _written(self, writer: sqlite3.Connection, snapshot: Snapshot) -> int:
        """Write the rows under a new number, after what a killed publish left is gone."""
        names = list(snapshot.published.places)
        features = orjson.dumps([astuple(each) for each in snapshot.published.features])
        with _transaction(writer):
            _forget_others(writer)
            (number,) = writer.execute(
                "INSERT INTO snapshots (is_current, as_of, features) VALUES (0, ?, ?) "
                "RETURNING number",
                (snapshot.published.as_of.isoformat(), features),
            ).fetchone()
        ordered = snapshot.table.select("entity_id", *names).order_by("entity_id")
        for batch in ordered.to_pyarrow_batches(chunk_size=CHUNK):
            with _transaction(writer):
                writer.executemany("INSERT INTO features VALUES (?, ?, ?)", _rows(number, batch))
        return int(number)

    def _make_current(self, writer: sqlite3.Connection, number: int, published: Published) -> None:
        with _transaction(writer):
            writer.execute("UPDATE snapshots SET is_current = (number = ?)", (number,))
            past = (_microseconds(published.moment),)
            writer.execute("DELETE FROM updates WHERE moment < ?", past)
        with _transaction(writer):
            _forget_others(writer)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other publishers out; the lock goes with the process, however it ends."""
        with self._path.with_name(f"{self._path.name}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise OnlineFeaturesError(
                    f"{self._path}: another process publishes features now; try again after it"
                ) from error
            yield

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError, orjson.JSONDecodeError) as error:
            self._reading = None  # the file may be another one by then
            raise OnlineFeaturesError(
                f"online features {self._path}: {error}; if it is no file of features, remove it "
                "and run kedro features publish"
            ) from error


def _read_current(connection: sqlite3.Connection) -> tuple[int, Published] | None:
    found = connection.execute(CURRENT).fetchone()
    if found is None:
        return None
    number, as_of, features = found
    named = tuple(OnlineFeature(*each) for each in orjson.loads(features))
    return number, Published(date.fromisoformat(as_of), named)


def _forget_others(writer: sqlite3.Connection) -> None:
    others = "SELECT number FROM snapshots WHERE NOT is_current"
    writer.execute(f"DELETE FROM features WHERE snapshot IN ({others})")  # noqa: S608 (no input)
    writer.execute("DELETE FROM snapshots WHERE NOT is_current")


def _is_earlier(new: Published, now: Published) -> bool:
    return new.as_of < now.as_of and new.features == now.features


def _rows(number: int, batch: pa.RecordBatch) -> Iterator[tuple[int, str, bytes]]:
    entity_ids, *columns = (column.to_pylist() for column in batch.columns)
    for entity_id, row in zip(entity_ids, zip(*columns, strict=True), strict=True):
        yield number, entity_id, orjson.dumps(row)


def _microseconds(moment: datetime) -> int:
    return (moment - EPOCH) // MICROSECOND


@contextmanager
def _transaction(connection: sqlite3.Connection, kind: str = "IMMEDIATE") -> Iterator[None]:
    connection.execute(f"BEGIN {kind}")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
