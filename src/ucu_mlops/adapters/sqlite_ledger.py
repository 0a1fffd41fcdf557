"""The ledger in one SQLite file: of several processes that move at once, exactly one wins."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import astuple
from datetime import UTC, datetime
from pathlib import Path

from ucu_mlops.errors import ReleaseError
from ucu_mlops.release.ledger import Move, check_follows

PATIENCE_S = 30.0  # an append holds the lock for milliseconds; longer means a hung process
CREATE = """
CREATE TABLE IF NOT EXISTS ledger (
    model TEXT NOT NULL, revision INTEGER NOT NULL, from_version TEXT, to_version TEXT NOT NULL,
    kind TEXT NOT NULL, who TEXT NOT NULL, why TEXT NOT NULL, decision_id TEXT, at TEXT NOT NULL,
    PRIMARY KEY (model, revision)
) STRICT, WITHOUT ROWID
"""
EXISTS = "SELECT 1 FROM sqlite_master WHERE name = 'ledger'"
SELECT = """
SELECT model, revision, from_version, to_version, kind, who, why, decision_id, at
FROM ledger WHERE model = ? ORDER BY revision
"""
INSERT = "INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"


class SqliteLedger:
    """Fills the port ``ucu_mlops.release.ledger.Ledger``.

    Args:
        path: The SQLite file; made, with its folder, by the first append.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)

    def head(self, model: str) -> Move | None:
        """Return the model's last move, None before the first."""
        moves = self.moves(model)
        return moves[-1] if moves else None

    def moves(self, model: str) -> list[Move]:
        """Return the model's moves, oldest first."""
        if not self._path.exists():
            return []
        with self._connection() as connection:
            # A file without the table is one whose first append was killed or is under way.
            return _moves(connection, model) if connection.execute(EXISTS).fetchone() else []

    def append(self, move: Move) -> None:
        """Add ``move`` behind the head it was made for, in one transaction.

        Raises:
            StaleRevisionError: Somebody else moved first; nothing was added.
            ReleaseError: The file cannot be written.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._connection() as connection, _transaction(connection):
            connection.execute(CREATE)
            moves = _moves(connection, move.model)
            check_follows(moves[-1] if moves else None, move)
            at = move.at.astimezone(UTC).isoformat()
            connection.execute(INSERT, (*astuple(move)[:-1], at))

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(
                sqlite3.connect(self._path, timeout=PATIENCE_S, isolation_level=None)
            ) as connection:
                connection.row_factory = sqlite3.Row
                yield connection
        except sqlite3.Error as error:
            raise ReleaseError(
                f"ledger {self._path}: {error}; is it a ledger, and does no hung process hold it?"
            ) from error


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    # IMMEDIATE takes the write lock before the head is read: nobody can slip in between.
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _moves(connection: sqlite3.Connection, model: str) -> list[Move]:
    rows = connection.execute(SELECT, (model,))
    return [Move(**dict(row) | {"at": datetime.fromisoformat(row["at"])}) for row in rows]
