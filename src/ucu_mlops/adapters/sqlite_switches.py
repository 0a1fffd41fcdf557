"""Experiments' switches, in the ledger's SQLite file: servers that follow the one see the other."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from ucu_mlops.errors import ReleaseError
from ucu_mlops.experiments.switches import Switch, off

PATIENCE_S = 30.0
CREATE = """
CREATE TABLE IF NOT EXISTS switches (
    number INTEGER PRIMARY KEY, experiment TEXT NOT NULL, variant TEXT NOT NULL,
    "on" INTEGER NOT NULL, who TEXT NOT NULL, why TEXT NOT NULL, at TEXT NOT NULL
) STRICT
"""
EXISTS = "SELECT 1 FROM sqlite_master WHERE name = 'switches'"
SELECT = 'SELECT experiment, variant, "on", who, why, at FROM switches ORDER BY number'
INSERT = 'INSERT INTO switches (experiment, variant, "on", who, why, at) VALUES (?, ?, ?, ?, ?, ?)'


class SqliteSwitches:
    """Fills the port ``ucu_mlops.experiments.switches.Switches``.

    Args:
        path: The ledger's file; made, with its folder, by the first turn.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)

    def turned(self) -> list[Switch]:
        """Return all turns, oldest first."""
        if not self._path.exists():
            return []
        with self._connection() as connection:
            return _turned(connection) if connection.execute(EXISTS).fetchone() else []

    def turn(self, switch: Switch) -> bool:
        """Turn a switch, in one transaction, unless it stands so already."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._connection() as connection:
            # IMMEDIATE takes the write lock before anything is read: nobody can slip in between.
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(CREATE)
            is_off = (switch.experiment, switch.variant) in off(_turned(connection))
            if is_off != switch.on:
                connection.execute("COMMIT")
                return False
            at = switch.at.astimezone(UTC).isoformat()
            names = (switch.experiment, switch.variant, int(switch.on), switch.who, switch.why)
            connection.execute(INSERT, (*names, at))
            connection.execute("COMMIT")
            return True

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        try:
            # Closed with a transaction open, it is rolled back.
            with closing(
                sqlite3.connect(self._path, timeout=PATIENCE_S, isolation_level=None)
            ) as connection:
                yield connection
        except sqlite3.Error as error:
            raise ReleaseError(
                f"switches in {self._path}: {error}; is it a ledger, and does no hung process "
                "hold it?"
            ) from error


def _turned(connection: sqlite3.Connection) -> list[Switch]:
    return [
        Switch(experiment, variant, bool(on), who, why, datetime.fromisoformat(at))
        for experiment, variant, on, who, why, at in connection.execute(SELECT)
    ]
