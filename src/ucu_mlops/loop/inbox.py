"""Alerts that asked for a training, kept in one SQLite file until they are dealt with.

waiting → done | failed; a failed one waits again when its alert is repeated, for the day it is then
"""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from ucu_mlops.errors import DataError
from ucu_mlops.quality.hashing import derived_id

ACTION = "retrain"  # the value of the label `action` of alerts that ask for a training
CREATE = """
CREATE TABLE IF NOT EXISTS inbox (
    request_id TEXT PRIMARY KEY, model TEXT NOT NULL, alert TEXT NOT NULL, starts_at TEXT NOT NULL,
    as_of TEXT, state TEXT NOT NULL, detail TEXT NOT NULL
) STRICT
"""
ADD = "INSERT INTO inbox VALUES (?, ?, ?, ?, NULL, 'waiting', '') ON CONFLICT DO NOTHING"
AGAIN = "UPDATE inbox SET state = 'waiting', as_of = NULL WHERE request_id = ? AND state = 'failed'"
NEXT = "SELECT * FROM inbox WHERE state = 'waiting' ORDER BY starts_at, request_id LIMIT 1"
BEGIN = "UPDATE inbox SET as_of = ? WHERE request_id = ? AND as_of IS NULL"
END = "UPDATE inbox SET state = ?, detail = ? WHERE request_id = ?"


@dataclass(frozen=True)
class Request:
    """One alert that asks for a training.

    Attributes:
        request_id: Derived from model, alert and its start: a repeated notification is the same.
        model: Name of the model.
        alert: Name of the alert.
        starts_at: Since when it fires, as the sender wrote it.
        as_of: The day to train for, once that is settled.
    """

    request_id: str
    model: str
    alert: str
    starts_at: str
    as_of: date | None = None


def parse_alerts(payload: Any, models: frozenset[str]) -> tuple[list[Request], list[str]]:
    """Read which trainings an Alertmanager notification asks for.

    Asked are the firing alerts whose label ``action`` is ``retrain``; others, and resolved
    ones, are somebody else's.

    Args:
        payload: The decoded body.
        models: Models that can be trained.

    Returns:
        The requests, in the order of the alerts; and why others were refused: an unknown model,
        say, which must not lose the alerts beside it (a sender does not repeat what was refused).

    Raises:
        DataError: It is no notification.

    References:
        https://prometheus.io/docs/alerting/latest/configuration/#webhook_config (version 4).
    """
    alerts = payload.get("alerts") if isinstance(payload, Mapping) else None
    if not isinstance(alerts, list):
        raise DataError("the body must be an Alertmanager notification: an object with `alerts`")
    requests, refused = [], []
    for number, alert in enumerate(alerts):
        labels = alert.get("labels") if isinstance(alert, Mapping) else None
        if not isinstance(labels, Mapping):
            raise DataError(f"alerts[{number}] must be an object with `labels`")
        if alert.get("status") != "firing" or labels.get("action") != ACTION:
            continue
        model, name = str(labels.get("model")), str(labels.get("alertname"))
        if model not in models:
            known = f"known are {sorted(models)}"
            refused.append(f"alerts[{number}] has the label model={model!r}; {known}")
            continue
        starts_at = str(alert.get("startsAt"))
        if not f"{name}{starts_at}".isprintable():
            refused.append(f"alerts[{number}] has a name or a start that cannot be printed")
            continue
        request_id = derived_id("alert", model, name, starts_at)
        requests.append(Request(request_id, model, name, starts_at))
    return requests, refused


class Inbox:
    """Keeps requests; several threads and processes may use one file.

    Args:
        path: The SQLite file; made, with its folder.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._connection() as connection:
            connection.execute(CREATE)

    def add(self, request: Request) -> bool:
        """Keep a request; tell whether there is something to do that was not before."""
        values = (request.request_id, request.model, request.alert, request.starts_at)
        with self._connection() as connection:
            added = connection.execute(ADD, values).rowcount
            return bool(added or connection.execute(AGAIN, values[:1]).rowcount)

    def next(self) -> Request | None:
        """Return the waiting request that fires longest, None when all are dealt with."""
        with self._connection() as connection:
            row = connection.execute(NEXT).fetchone()
        if row is None:
            return None
        as_of = row["as_of"] and date.fromisoformat(row["as_of"])
        return Request(row["request_id"], row["model"], row["alert"], row["starts_at"], as_of)

    def begin(self, request: Request, as_of: date) -> None:
        """Settle the day that a request is about: after a crash it is the same."""
        with self._connection() as connection:
            connection.execute(BEGIN, (as_of.isoformat(), request.request_id))

    def end(self, request: Request, state: str, detail: str) -> None:
        """Write down that a request is ``done``, or ``failed``, and how."""
        with self._connection() as connection:
            connection.execute(END, (state, detail, request.request_id))

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, timeout=30, isolation_level=None)) as connection:
            connection.row_factory = sqlite3.Row
            yield connection
