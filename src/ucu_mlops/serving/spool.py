"""Answered requests, written down before the answer goes out.

One JSON object per line. A line is one write into the operating system's memory: it survives a kill
of the process, not a power cut. A process opens a file for each day (UTC) and holds a lock on it
while it writes, so that whoever reads (``ucu_mlops.adapters.request_spool``) knows a finished one::

    SPOOL/2026-03-31/<pid>-<random>.jsonl
"""

import fcntl
import json
import os
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson


class Spool:
    """Appends records.

    Args:
        folder: Where the days' folders are.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._day, self._file = "", -1

    def append(self, at: datetime, records: list[dict[str, Any]]) -> None:
        """Write records down; when it returns they survive a kill of the process.

        Args:
            at: When they were answered, UTC; its day chooses the file.
            records: JSON objects.

        Raises:
            OSError: The disk refuses; nothing may be answered.
        """
        if (day := at.date().isoformat()) != self._day:
            self._open(day)
        content = b"".join(_line(each) for each in records)
        try:
            while content:
                content = content[os.write(self._file, content) :]
        except OSError:
            self.close()  # what is half written stays the end of its file
            raise

    def close(self) -> None:
        """Close the file."""
        if self._file >= 0:
            os.close(self._file)
            self._day, self._file = "", -1

    def _open(self, day: str) -> None:
        self.close()
        # No file is opened twice: a process id comes again after a restart of the container.
        path = self._folder / day / f"{os.getpid()}-{secrets.token_hex(4)}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o640)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        self._day = day


def _line(record: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(record) + b"\n"
    except TypeError:  # a caller's integer beyond 64 bits
        return json.dumps(record, default=str).encode() + b"\n"


def now() -> datetime:
    """The one place where the server asks the clock for a record's time."""
    return datetime.now(UTC)
