"""One file, several processes: one mover wins, and a kill leaves a whole ledger."""

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone

import pytest

from ucu_mlops.adapters.sqlite_ledger import SqliteLedger
from ucu_mlops.errors import ReleaseError, StaleRevisionError
from ucu_mlops.release.ledger import Move

AT = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
APPEND_ONE = """
import sys
from datetime import UTC, datetime
from ucu_mlops.adapters.sqlite_ledger import SqliteLedger
from ucu_mlops.errors import StaleRevisionError
from ucu_mlops.release.ledger import Move
path, who = sys.argv[1:]
print("ready", flush=True)
sys.stdin.readline()
move = Move("scam", 1, None, who, "cold_start", who, "race", None, datetime(2026, 1, 2, tzinfo=UTC))
try:
    SqliteLedger(path).append(move)
    print("won")
except StaleRevisionError:
    print("stale")
"""
APPEND_FOREVER = """
import sys
from datetime import UTC, datetime
from ucu_mlops.adapters.sqlite_ledger import SqliteLedger
from ucu_mlops.release.ledger import Move
ledger = SqliteLedger(sys.argv[1])
version = None
for revision in range(1, 100_000):
    ledger.append(Move("scam", revision, version, f"v{revision}", "override", "a", "b", None,
                       datetime(2026, 1, 2, tzinfo=UTC)))
    version = f"v{revision}"
    print(revision, flush=True)
"""


def first(to="1", **change):
    sound = {"model": "scam", "revision": 1, "from_version": None, "kind": "cold_start"}
    rest = {"who": "ann", "why": "begin", "decision_id": None, "at": AT}
    return Move(**sound | rest | {"to_version": to} | change)


def start(code, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_move_comes_back_as_it_was_made(tmp_path):
    """Nulls, microseconds and the instant survive, in a folder that was not there."""
    ledger = SqliteLedger(tmp_path / "new" / "ledger.db")
    kyiv = timezone(timedelta(hours=2))
    ledger.append(first(at=AT.astimezone(kyiv)))
    assert ledger.moves("scam") == [first()]
    assert ledger.head("scam") == first()


def test_reading_makes_no_file(tmp_path):
    """A mistyped path does not leave an empty ledger behind."""
    ledger = SqliteLedger(tmp_path / "ledger.db")
    assert (ledger.head("scam"), ledger.moves("scam")) == (None, [])
    assert not list(tmp_path.iterdir())


def test_a_stale_move_adds_nothing(tmp_path):
    """Two moves made for the same head: the second is refused."""
    ledger = SqliteLedger(tmp_path / "ledger.db")
    ledger.append(first("1"))
    with pytest.raises(StaleRevisionError):
        ledger.append(first("2"))
    assert [move.to_version for move in ledger.moves("scam")] == ["1"]


def test_of_processes_that_append_at_once_exactly_one_wins(tmp_path):
    """Three processes move for the same head on a fresh file; the file says who won."""
    path = tmp_path / "ledger.db"
    racers = {who: start(APPEND_ONE, path, who) for who in ("a", "b", "c")}
    for racer in racers.values():
        assert racer.stdout.readline() == "ready\n"
    for racer in racers.values():
        racer.stdin.write("\n")
        racer.stdin.flush()
    said = {who: racer.communicate(timeout=30)[0].strip() for who, racer in racers.items()}
    assert sorted(said.values()) == ["stale", "stale", "won"]
    assert said[SqliteLedger(path).head("scam").to_version] == "won"


def test_a_kill_between_any_two_instructions_leaves_a_whole_ledger(tmp_path):
    """After kill -9 the moves are a gapless chain with all that was confirmed, and go on."""
    for after in (1, 7, 20):
        path = tmp_path / f"{after}.db"
        mover = start(APPEND_FOREVER, path)
        confirmed = [int(mover.stdout.readline()) for _ in range(after)][-1]
        os.kill(mover.pid, signal.SIGKILL)
        mover.communicate()
        moves = SqliteLedger(path).moves("scam")
        assert [move.revision for move in moves] == list(range(1, len(moves) + 1))
        assert len(moves) >= confirmed
        head = moves[-1]
        SqliteLedger(path).append(
            first("next", revision=head.revision + 1, from_version=head.to_version)
        )


def test_a_file_that_is_no_ledger_is_named(tmp_path):
    """A foreign file is refused in one line, not overwritten."""
    path = tmp_path / "ledger.db"
    path.write_text("not a database, " * 100)
    with pytest.raises(ReleaseError, match=f"ledger {path}: .*not a database"):
        SqliteLedger(path).append(first())
