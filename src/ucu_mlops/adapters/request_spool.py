"""What servers wrote down of their answers, read where it lies: whole lines, and none twice.

A server holds a lock on the file that it writes; a file that nobody holds and that is not empty is
finished, for no server opens a file again. What a pipeline has stored gets another ending::

    SPOOL/2026-03-31/17-5e0c.jsonl ─▶ SPOOL/2026-03-31/17-5e0c.jsonl.ingested
"""

import fcntl
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import BinaryIO

SUFFIX, INGESTED = ".jsonl", ".ingested"
# A record is a caller's features, which are bounded (limits.body_bytes): longer lines are none.
LONGEST_LINE = 64 * 2**20
STEP = 2**16


@dataclass(frozen=True)
class SpoolFile:
    """How far a file can be read.

    Attributes:
        name: Below the spool: ``DAY/FILE``.
        size: Bytes that are there to be read; of a file that is being written, its whole lines.
        finished: Whether nobody writes it any more.
    """

    name: str
    size: int
    finished: bool


@dataclass(frozen=True)
class SpoolLine:
    """One line of a file.

    Attributes:
        file: Its name below the spool.
        start: Its first byte.
        content: The line, its newline included where there is one.
    """

    file: str
    start: int
    content: bytes


@dataclass(frozen=True)
class RequestSpool:
    """A model's spool.

    Attributes:
        model: Whose.
        folder: Holds a folder for each day.
    """

    model: str
    folder: Path

    def files(self, until: date) -> list[SpoolFile]:
        """List what waits of the days up to ``until``, oldest first; empty files are left out."""
        days = [day for day in sorted(self.folder.glob("*")) if _is_day(day.name, until)]
        paths = [path for day in days for path in sorted(day.glob(f"*{SUFFIX}"))]
        found = [self._as_it_is(path) for path in paths]
        return [each for each in found if each.size]

    def lines(self, file: SpoolFile) -> Iterator[SpoolLine]:
        """Read a file's lines as far as it was found; one longer than any record comes in parts."""
        start = 0
        with (self.folder / file.name).open("rb") as opened:
            while start < file.size:
                content = opened.readline(min(LONGEST_LINE, file.size - start))
                if not content:  # it became shorter: nobody of ours does that
                    return
                yield SpoolLine(file.name, start, content)
                start += len(content)

    def retire(self, files: Sequence[SpoolFile]) -> None:
        """Put finished files that are stored aside; one that lies there is passed over."""
        for each in files:
            path = self.folder / each.name
            if each.finished and path.exists():
                path.rename(path.with_name(path.name + INGESTED))

    def _as_it_is(self, path: Path) -> SpoolFile:
        name = str(path.relative_to(self.folder))
        with path.open("rb") as file:
            finished = _is_free(file)
            size = os.fstat(file.fileno()).st_size
            # Between being opened and being locked a file is empty, and not finished.
            return SpoolFile(name, size if finished else _whole_lines(file, size), finished)


def _is_day(name: str, until: date) -> bool:
    try:
        return date.fromisoformat(name) <= until
    except ValueError:
        return False


def _is_free(file: BinaryIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    fcntl.flock(file, fcntl.LOCK_UN)
    return True


def _whole_lines(file: BinaryIO, size: int) -> int:
    """Return where the last whole line ends."""
    end = size
    while end > 0:
        start = max(0, end - STEP)
        file.seek(start)
        newline = file.read(end - start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0
