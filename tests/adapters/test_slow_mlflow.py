"""A tracking server that does not answer in time is told in one line, and nothing is lost."""

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ucu_mlops.adapters import mlflow_runs
from ucu_mlops.adapters.mlflow_registry import MlflowRegistry
from ucu_mlops.adapters.sqlite_ledger import SqliteLedger
from ucu_mlops.bundle.manifest import Manifest
from ucu_mlops.bundle.store import Draft, write_bundle
from ucu_mlops.datasets.registry import ChampionDataset
from ucu_mlops.errors import ReleaseError
from ucu_mlops.loop.decided import Decided
from ucu_mlops.loop.inbox import Inbox, Request
from ucu_mlops.loop.listener import work_off
from ucu_mlops.release.moves import cold_start

DAY = date(2026, 4, 1)


class SlowServer(ThreadingHTTPServer):
    """Takes questions, counts them, and answers none until it is told to close."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Silent)
        self.asked = 0
        self.closing = threading.Event()


class _Silent(BaseHTTPRequestHandler):
    server: SlowServer

    def do_GET(self) -> None:
        """Count, and keep the asker waiting."""
        self.server.asked += 1
        self.server.closing.wait()
        self.close_connection = True

    def log_message(self, *_arguments) -> None:
        """Keep quiet."""


@pytest.fixture
def server(monkeypatch) -> Iterator[SlowServer]:
    """A real server on the loopback; who asks waits one second, not five."""
    for name in ("MLFLOW_HTTP_REQUEST_TIMEOUT", "MLFLOW_HTTP_REQUEST_MAX_RETRIES"):
        monkeypatch.setenv(name, "")  # so that it is put back
        monkeypatch.delenv(name)
    monkeypatch.setattr(mlflow_runs, "HTTP_PATIENCE_S", 1)
    with SlowServer() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.closing.set()
        server.shutdown()


@pytest.fixture
def uri(server) -> str:
    """Its address."""
    return f"http://127.0.0.1:{server.server_port}"


def test_it_is_one_line_after_two_tries(server, uri):
    """The line names the server and what was wanted; MLflow alone would wait for half an hour."""
    with pytest.raises(ReleaseError) as told:
        MlflowRegistry(uri).version_of("scam", "champion")
    assert str(told.value).startswith(f"MLflow at {uri} did not look up scam@champion: ")
    assert "\n" not in str(told.value)
    assert server.asked == 2


def test_the_cached_champion_is_used_meanwhile(server, uri, tmp_path, caplog):
    """Scoring goes on with what the ledger says; that the aliases are behind is told."""
    ledger, at = tmp_path / "ledger.db", datetime(2026, 3, 1, tzinfo=UTC)
    cold_start(SqliteLedger(ledger), "scam", "1", who="ann", why="begin", at=at)
    draft = Draft(Manifest("scam", "rule", "2026-02-28", (), ()), {"model.onnx": b"rule"})
    write_bundle(draft, tmp_path / "bundles/scam/1")
    champion = ChampionDataset(
        model="scam", tracking_uri=uri, cache=str(tmp_path / "bundles"), ledger=str(ledger)
    )
    assert champion.load().version == "1"
    assert server.asked == 2
    assert "the aliases of scam are behind the ledger" in caplog.text


class Asks:
    """A trigger whose training asks a registry first, and is written down once it answers."""

    def __init__(self, registry: MlflowRegistry) -> None:
        self.registry = registry
        self.trained: list[date] = []

    def retrain(self, model: str, as_of: date) -> None:
        """Ask, then train."""
        self.registry.version_of(model, "champion")
        self.trained.append(as_of)


class Book:
    """One decided day."""

    def last(self, model: str) -> Decided:  # noqa: ARG002 (one model)
        """Tell it."""
        return Decided(DAY, "retrain")

    def ask(self, model: str, as_of: date, sentence: str) -> None:
        """Keep nothing."""


def test_an_alert_is_not_lost(uri, tracking_uri, tmp_path):
    """Its training fails with the reason; repeated when MLflow answers again, it is done."""
    inbox = Inbox(tmp_path / "inbox.db")
    request = Request("r1", "scam", "RecallFell", "2026-04-02T06:00:00Z")
    asks = Asks(MlflowRegistry(uri))
    inbox.add(request)
    work_off(inbox, asks, Book())
    assert (inbox.next(), asks.trained) == (None, [])
    asks.registry = MlflowRegistry(tracking_uri)
    assert inbox.add(request)
    work_off(inbox, asks, Book())
    assert asks.trained == [DAY]
