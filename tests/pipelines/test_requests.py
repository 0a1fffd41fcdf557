"""What servers answered is in the warehouse once, whatever is killed and however often it runs."""

import json
import os
import random
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from tests.serving.sites import Site, scam_draft, serving
from ucu_mlops.serving.spool import _line

pytestmark = pytest.mark.filterwarnings(
    # The plugins' own: none of it is called by this project.
    "ignore::DeprecationWarning",
    "ignore::UserWarning:mlflow",
)
DAY = "2026-04-02"
LATER = "9999-12-31"
KILLS = int(os.environ.get("INGESTION_KILLS", "4"))
# Kedro's plugins take seconds to import: one process forks an ingestion for each order it is given.
INGESTER = """
import os, signal, sys, time
from ucu_mlops.loop.project import Project
from ucu_mlops.pipeline_registry import register_pipelines
project = Project(os.getcwd(), env="test")
register_pipelines()
print("ready", flush=True)
for line in sys.stdin:
    delay = float(line)
    child = os.fork()
    if child == 0:
        project.run("scam_requests", as_of="9999-12-31")
        os._exit(0)
    if delay:
        time.sleep(delay)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    print("killed" if os.WIFSIGNALED(status) else status, flush=True)
"""


@pytest.fixture
def spool(checkout):
    """The spool of ``scam``, and an empty warehouse."""
    folder = checkout / "data/01_raw/requests/scam"
    for path in (*folder.rglob("*.*"), *checkout.glob("data/warehouse.duckdb*")):
        path.unlink()
    return folder


def stored(checkout, query):
    """Ask the warehouse."""
    with duckdb.connect(str(checkout / "data/warehouse.duckdb"), read_only=True) as file:
        file.execute("SET TimeZone = 'UTC'")
        return file.execute(query).fetchall()


def record(number, **changed) -> bytes:
    """Spell an answer as a server does."""
    whole = {
        "request_id": f"r{number}",
        "at": datetime(2026, 4, 2, 12, tzinfo=UTC) + timedelta(seconds=number),
        "model": "scam",
        "version": "1",
        "labels": {"scam": {"probability": 0.25, "threshold": 0.5, "decision": False}},
    }
    return _line(whole | changed)


def put(spool, name, *lines) -> None:
    """Leave a file behind."""
    path = spool / DAY / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(lines))


def test_what_a_server_answered_is_in_the_warehouse(spool, checkout, project, tmp_path):
    """Before it stops and after, each answer is there once, with what the client was told."""
    site = Site(tmp_path)
    places = tmp_path / "conf/base/globals.yml"
    places.write_text(json.dumps(json.loads(places.read_text()) | {"spool": str(spool.parent)}))
    site.publish("1", scam_draft())
    with serving(site) as server:

        def ask(user, x):
            instance = {"user_id": user, "features": {"x": x, "place": "UA"}}
            return server.ask({"instances": [instance]}).body["predictions"][0]

        said = [ask("ann", 1.0), ask("bob", None)]
        project.run("scam_requests", as_of=LATER)
        assert len(stored(checkout, "SELECT request_id FROM requests")) == 2
        said.append(ask("ann", 2.0))
    project.run("scam_requests", as_of=LATER)
    rows = stored(
        checkout,
        "SELECT request_id, entity_id, version, variant, shadow, experiment, error, caller, "
        "reference, probabilities, inputs, latency_ms > 0, requests.at::DATE = day "
        "FROM requests ORDER BY requests.at",
    )
    assert [row[0] for row in rows] == [each["request_id"] for each in said]
    assert [row[1] for row in rows] == ["ann", "bob", "ann"]
    assert {row[2:9] for row in rows} == {
        ("1", "champion", False, None, None, "127.0.0.1", "given")
    }
    told = [json.loads(row[9])["scam"] for row in rows]
    assert [each["probability"] for each in told] == [
        each["labels"]["scam"]["probability"] for each in said
    ]
    assert json.loads(rows[0][10]) == {"x": 1.0, "place": "UA"}
    assert {row[11:] for row in rows} == {(True, True)}
    assert [path.suffix for path in spool.rglob("*.*")] == [".ingested"]


def test_versions_and_shadows_of_one_request_are_rows_of_their_own(spool, checkout, project):
    """What an experiment adds to a record is kept; the same line again is not."""
    shadow = record(1, version="2", experiment="e", variant="b", shadow=True)
    put(spool, "1-a.jsonl", record(1), shadow, record(1))
    project.run("scam_requests", as_of=DAY)
    put(spool, "1-b.jsonl", shadow)
    project.run("scam_requests", as_of=DAY)
    found = stored(checkout, "SELECT version, experiment, variant, shadow FROM requests ORDER BY 1")
    assert found == [("1", None, None, False), ("2", "e", "b", True)]


def test_damaged_lines_are_told_and_kept(spool, checkout, project):
    """Whole, with place and reason; what is good around them is stored."""
    junk, half = b"\xff{]\n", record(3)[:40]
    put(spool, "1-a.jsonl", record(1), junk, record(2), half)
    for _ in range(2):
        project.run("scam_requests", as_of=DAY)
    assert stored(checkout, "SELECT request_id FROM requests ORDER BY 1") == [("r1",), ("r2",)]
    at = len(record(1))
    assert stored(checkout, "SELECT file, start, reason, line FROM damaged_requests") == [
        (f"{DAY}/1-a.jsonl", at, "is no JSON", "\\xff{]\n"),
        (f"{DAY}/1-a.jsonl", at * 2 + len(junk), "is half written", half.decode()),
    ]


def test_a_spool_without_files_is_an_empty_table(spool, checkout, project):
    """A model that nobody asked yet can be watched all the same."""
    project.run("scam_requests", as_of=DAY)
    assert stored(checkout, "SELECT count(*) FROM requests") == [(0,)]


def test_kills_at_random_moments_lose_and_double_nothing(spool, checkout):
    """Servers write on while ingestion after ingestion is killed; at the end all is there once."""
    ingester = subprocess.Popen(
        [sys.executable, "-c", INGESTER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=checkout,
    )
    assert ingester.stdout.readline().strip() == "ready"

    def ingest(kill_after=0.0):
        ingester.stdin.write(f"{kill_after}\n")
        ingester.stdin.flush()
        return ingester.stdout.readline().strip()

    started = time.monotonic()
    put(spool, "0-first.jsonl", record(0))
    assert ingest() == "0"
    whole, written, turns, kills = time.monotonic() - started, 1, 0, 0
    rng = random.Random(7)  # noqa: S311 (moments, not secrets)
    while kills < KILLS:
        lines = [record(written + each) for each in range(2_000)]
        put(spool, f"{turns}.jsonl", *lines, b"x" * turns + b"\n")
        written, turns = written + len(lines), turns + 1
        if ingest(rng.uniform(0.1, 1.0) * whole) == "killed":
            kills += 1
        else:  # faster than it was: die sooner
            whole *= 0.8
    assert ingest() == "0"
    ingester.communicate(timeout=30)
    found = stored(checkout, "SELECT count(*), count(DISTINCT request_id) FROM requests")
    assert found == [(written, written)]
    found = stored(checkout, "SELECT count(*), count(DISTINCT file) FROM damaged_requests")
    assert found == [(turns, turns)]
    assert not list(spool.rglob("*.jsonl"))
