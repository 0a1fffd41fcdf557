"""One bucket, several processes: one mover wins, a lost answer is no second move."""

import subprocess
import sys
import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest

from ucu_mlops.adapters.gcs_ledger import GcsLedger
from ucu_mlops.adapters.ledgers import open_ledger
from ucu_mlops.adapters.sqlite_ledger import SqliteLedger
from ucu_mlops.errors import ConfigurationError, ReleaseError, StaleRevisionError
from ucu_mlops.release.ledger import Move

AT = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
APPEND_ONE = """
import sys
from datetime import UTC, datetime
from ucu_mlops.adapters.gcs_ledger import GcsLedger
from ucu_mlops.errors import StaleRevisionError
from ucu_mlops.release.ledger import Move
address, who = sys.argv[1:]
ledger = GcsLedger(address)
assert ledger.head("scam") is None
print("ready", flush=True)
sys.stdin.readline()
# Each has read the ledger before any writes: the first look at the head finds what it found.
look, seen = ledger.head, [None]
ledger.head = lambda model: seen.pop() if seen else look(model)
move = Move("scam", 1, None, who, "cold_start", who, "race", None, datetime(2026, 1, 2, tzinfo=UTC))
try:
    ledger.append(move)
    print("won")
except StaleRevisionError:
    print("stale")
"""


@pytest.fixture
def address(storage_gate):
    """A folder of its own for each test."""
    return f"gs://stand-in-data/{uuid.uuid4().hex}/ledger"


def first(to="1", **change):
    """Make a model's first move."""
    sound = {"model": "scam", "revision": 1, "from_version": None, "kind": "cold_start"}
    rest = {"who": "ann", "why": "begin", "decision_id": None, "at": AT}
    return Move(**sound | rest | {"to_version": to} | change)


def second(**change):
    """Make the move after it."""
    return first("2", revision=2, from_version="1", kind="promote", **change)


def test_moves_come_back_as_they_were_made(address):
    """Nulls, microseconds and the instant survive; a model sees its own moves."""
    ledger = GcsLedger(address)
    assert (ledger.head("scam"), ledger.moves("scam")) == (None, [])
    ledger.append(first(at=AT.astimezone(timezone(timedelta(hours=2)))))
    ledger.append(second(decision_id="d1"))
    ledger.append(first(model="scam2"))
    assert GcsLedger(address).moves("scam") == [first(), second(decision_id="d1")]
    assert ledger.head("scam") == second(decision_id="d1")


def test_a_stale_move_adds_nothing(address):
    """Two moves made for the same head: the second is refused."""
    ledger = GcsLedger(address)
    ledger.append(first("1"))
    with pytest.raises(StaleRevisionError):
        ledger.append(first("2"))
    assert [move.to_version for move in ledger.moves("scam")] == ["1"]


def test_of_processes_that_append_at_once_exactly_one_wins(address, storage_gate):
    """Three processes have read the same head and write: the condition lets one through."""
    before = storage_gate.refused
    racers = {
        who: subprocess.Popen(
            [sys.executable, "-c", APPEND_ONE, address, who],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for who in ("a", "b", "c")
    }
    for racer in racers.values():
        assert racer.stdout.readline() == "ready\n"
    for racer in racers.values():
        racer.stdin.write("\n")
        racer.stdin.flush()
    said = {who: racer.communicate(timeout=60)[0].strip() for who, racer in racers.items()}
    assert sorted(said.values()) == ["stale", "stale", "won"]
    assert said[GcsLedger(address).head("scam").to_version] == "won"
    assert storage_gate.refused == before + 2


def test_a_lost_answer_is_one_move(address, storage_gate):
    """The write was carried out and answered 503: asked again, it is refused, and is ours."""
    ledger = GcsLedger(address)
    ledger.append(first())
    storage_gate.lose_answers = 1
    ledger.append(second())
    assert ledger.moves("scam") == [first(), second()]


def test_a_bucket_that_is_not_there_is_named(storage_gate):
    """One line, with the address."""
    with pytest.raises(ReleaseError, match=r"^ledger gs://nowhere/ledger: [^\n]+$"):
        GcsLedger("gs://nowhere/ledger").append(first())


def test_without_credentials_the_command_that_gives_them_is_named(tmp_path, monkeypatch):
    """Not that the ledger is damaged."""
    for name in ("STORAGE_EMULATOR_HOST", "GOOGLE_APPLICATION_CREDENTIALS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    with pytest.raises(ConfigurationError, match="gcloud auth application-default login"):
        GcsLedger("gs://stand-in-data/ledger").head("scam")


def test_the_address_says_which_ledger(tmp_path):
    """A bucket's is in Cloud Storage, a path's in SQLite, another thing's nowhere."""
    assert isinstance(open_ledger("gs://stand-in-data/ledger"), GcsLedger)
    assert isinstance(open_ledger(str(tmp_path / "ledger.db")), SqliteLedger)
    with pytest.raises(ConfigurationError, match="gs://BUCKET/FOLDER"):
        open_ledger("gs://stand-in-data")
