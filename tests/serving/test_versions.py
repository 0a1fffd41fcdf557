"""Versions come and go under load, and processes are killed: nobody who asks notices."""

import contextlib
import signal
import threading
from http.client import HTTPException

import pytest

from tests.serving.sites import scam_draft, serving

BODY = {"instances": [{"features": {"x": 0.0, "place": "UA"}}]}
SWAPS = 12


class Asking:
    """Asks without pause from several connections, until told to stop."""

    def __init__(self, server, connections=4):
        self.answers, self.errors = [], []
        self._server, self._stop = server, threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(connections)]

    def __enter__(self):
        """Begin."""
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *_):
        """Stop, and wait for the last answers."""
        self._stop.set()
        for each in self._threads:
            each.join()

    def _ask(self):
        while not self._stop.is_set():
            try:
                self.answers.append(self._server.ask(BODY))
            except (OSError, HTTPException) as error:
                self.errors.append(error)


def test_not_one_request_fails_while_versions_are_swapped(site):
    """A promotion in the ledger is picked up; each answer is of a version that was champion."""
    for version in range(2, SWAPS + 1):
        site.add(str(version), scam_draft(shift=float(version)))
    with serving(site) as server, Asking(server) as asking:
        for version in range(2, SWAPS + 1):
            site.promote(str(version))
            server.wait_version(str(version))
    assert asking.errors == []
    assert {each.status for each in asking.answers} == {200}
    given = {}
    for answer in asking.answers:
        (told,) = answer.body["predictions"]
        given.setdefault(told["version"], set()).add(told["labels"]["scam"]["probability"])
    assert len(given) == SWAPS
    assert all(len(probabilities) == 1 for probabilities in given.values())
    assert len(set.union(*given.values())) > SWAPS / 2
    assert len(site.records()) == len(asking.answers)


@pytest.mark.parametrize("fault", ["NaN", "damaged", "missing"])
def test_a_version_that_cannot_answer_is_refused(site, fault):
    """The old one goes on, the refusal is counted, and the next good version is taken."""
    site.add("2", scam_draft(shift=float("nan")))
    folder = site.folder / "data/bundles/scam/2"
    if fault == "damaged":
        (folder / "model.onnx").write_bytes(b"nothing")
    with serving(site) as server:
        site.promote("9" if fault == "missing" else "2")
        server.wait_for(lambda: 'outcome="refused"' in server.get("/metrics").body["text"])
        assert server.get("/health/ready").body == {"status": "ready", "version": "1"}
        assert server.ask(BODY).body["predictions"][0]["version"] == "1"
        site.publish("3", scam_draft(shift=1.0))
        server.wait_version("3")
    assert "goes on" in (site.folder / "server.log").read_text()


def test_without_a_champion_it_waits_for_one(site):
    """Alive, but neither ready nor answering, until the ledger names a version."""
    (site.folder / "data/ledger.db").unlink()
    with serving(site, ready=False) as server:
        assert server.get("/health/ready").status == 503
        refused = server.ask(BODY)
        assert (refused.status, refused.headers["retry-after"]) == (503, "1")
        site.promote("1")
        server.wait_version("1")
        assert server.ask(BODY).status == 200


def test_a_killed_server_has_recorded_all_that_it_answered(site):
    """After kill -9 under load each answer that a client got is in the spool; a restart adds."""
    with serving(site) as server:
        with Asking(server) as asking:
            server.wait_for(lambda: len(asking.answers) > 100)
            server.process.send_signal(signal.SIGKILL)
            server.process.wait()
        assert asking.errors
    told = {each.body["predictions"][0]["request_id"] for each in asking.answers}
    assert told <= {each["request_id"] for each in site.records()}
    before = len(site.records())
    with serving(site) as server:
        server.ask(BODY)
    assert len(site.records()) == before + 1
    assert len({each["request_id"] for each in site.records()}) == before + 1


def test_a_stopped_server_answers_what_it_accepted(site):
    """SIGTERM under load: whoever was accepted is answered, and the process ends with 0."""
    with serving(site) as server, Asking(server) as asking:
        server.wait_for(lambda: len(asking.answers) > 50)
        server.process.send_signal(signal.SIGTERM)
        with contextlib.suppress(AssertionError):
            server.wait_for(lambda: False, 30)
    assert {each.status for each in asking.answers} == {200}
    assert len(site.records()) == len(asking.answers)
