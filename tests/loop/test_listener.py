"""Alertmanager's webhook becomes trainings: each alert one, whatever is repeated or killed."""

import json
import threading
from collections.abc import Iterator
from datetime import date
from http.client import HTTPConnection
from pathlib import Path

import pytest

from ucu_mlops.errors import ReleaseError
from ucu_mlops.loop.decided import Decided
from ucu_mlops.loop.inbox import Inbox
from ucu_mlops.loop.listener import MAX_BYTES, Listener, work_off

DAY = date(2026, 4, 1)


class Recorder:
    """A trigger that writes down what it was asked for, and fails or is killed when told to."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, date]] = []
        self.trouble: BaseException | None = None

    def retrain(self, model: str, as_of: date) -> None:
        """Write down, or raise."""
        if self.trouble is not None:
            raise self.trouble
        self.asked.append((model, as_of))


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    """An empty inbox."""
    return Inbox(tmp_path / "inbox.db")


@pytest.fixture
def listener(inbox: Inbox) -> Iterator[Listener]:
    """A real server on a free port of the loopback."""
    with Listener("127.0.0.1", 0, inbox, frozenset({"scam"})) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def alert(**changes):
    """One alert of a notification, as Alertmanager writes it."""
    labels = {"alertname": "ScoreMoved", "model": "scam", "action": "retrain"}
    labels |= changes.pop("labels", {})
    return {"status": "firing", "labels": labels, "startsAt": "2026-04-02T06:00:00Z"} | changes


def post(listener: Listener, body: bytes, path: str = "/alerts") -> tuple[int, dict]:
    """Send a body and return status and answer."""
    connection = HTTPConnection(*listener.server_address[:2], timeout=10)
    connection.request("POST", path, body)
    response = connection.getresponse()
    return response.status, json.loads(response.read())


def notify(listener: Listener, *alerts) -> tuple[int, dict]:
    """Send a notification of Alertmanager's version 4."""
    return post(listener, json.dumps({"version": "4", "alerts": list(alerts)}).encode())


class Book:
    """Decisions in memory: the last one, and what was written over it."""

    def __init__(self, last: Decided) -> None:
        self.given = last
        self.written: list[tuple[date, str]] = []

    def last(self, model: str) -> Decided:  # noqa: ARG002 (one model)
        """Tell the last decision."""
        return self.given

    def ask(self, model: str, as_of: date, sentence: str) -> None:  # noqa: ARG002 (one model)
        """Write down who asked."""
        self.written.append((as_of, sentence))


def decided(action: str = "none", as_of: date = DAY, hold: str = "") -> Book:
    """Tell the last decision, as the warehouse would."""
    return Book(Decided(as_of, action, hold))


def test_a_firing_alert_trains_once(listener, inbox):
    """The model is trained for its last decided day; the same alert repeated changes nothing."""
    trigger = Recorder()
    assert notify(listener, alert())[0] == 202
    work_off(inbox, trigger, decided())
    assert notify(listener, alert())[1]["accepted"] == []
    work_off(inbox, trigger, decided())
    assert trigger.asked == [("scam", DAY)]


def test_an_alert_that_fires_anew_trains_again(listener, inbox):
    """Resolved and firing again later is another request."""
    trigger = Recorder()
    notify(listener, alert(), alert(startsAt="2026-04-12T06:00:00Z"))
    work_off(inbox, trigger, decided())
    assert len(trigger.asked) == 2


@pytest.mark.parametrize(
    "other",
    [alert(status="resolved"), alert(labels={"action": "call"})],
    ids=["resolved", "not for us"],
)
def test_what_asks_for_no_training_is_ignored(listener, inbox, other):
    """Resolved alerts, and those that call people, start nothing and are no error."""
    assert notify(listener, other) == (202, {"asked": [], "accepted": [], "refused": []})
    assert inbox.next() is None


def test_a_killed_training_goes_on_for_the_same_day(listener, inbox):
    """Killed in the middle, the request still waits; a later decision does not change its day."""
    trigger = Recorder()
    trigger.trouble = KeyboardInterrupt()
    notify(listener, alert())
    with pytest.raises(KeyboardInterrupt):
        work_off(inbox, trigger, decided())
    trigger.trouble = None
    work_off(inbox, trigger, decided(as_of=date(2026, 4, 2)))
    assert trigger.asked == [("scam", DAY)]


def test_one_that_fails_stops_no_other_and_may_be_asked_again(listener, inbox):
    """A failed training is written down with its reason; the repeated alert tries again."""
    trigger = Recorder()
    trigger.trouble = ReleaseError("MLflow cannot be reached")
    notify(listener, alert())
    work_off(inbox, trigger, decided())
    assert inbox.next() is None
    trigger.trouble = None
    assert len(notify(listener, alert())[1]["accepted"]) == 1
    work_off(inbox, trigger, decided())
    assert trigger.asked == [("scam", DAY)]


def test_a_training_that_an_alert_asked_for_is_a_decision(listener, inbox):
    """It is written down before it starts: cool-down, breaker and new verdicts count from it."""
    trigger, book = Recorder(), decided()
    trigger.trouble = KeyboardInterrupt()
    notify(listener, alert())
    with pytest.raises(KeyboardInterrupt):
        work_off(inbox, trigger, book)
    said = "The alert ScoreMoved, firing since 2026-04-02T06:00:00Z, asks for a training."
    assert book.written == [(DAY, said)]


def test_what_holds_the_monitor_holds_alerts(listener, inbox):
    """During cool-down, breaker or for want of verdicts nothing is trained; later it may be."""
    trigger, waits = Recorder(), "Training again waits until 2026-04-08."
    notify(listener, alert())
    work_off(inbox, trigger, decided(hold=waits))
    assert trigger.asked == []
    notify(listener, alert())
    work_off(inbox, trigger, decided())
    assert trigger.asked == [("scam", DAY)]


def test_nothing_is_trained_on_a_data_fault(listener, inbox):
    """An alert on a day whose data is broken trains nothing; when it is mended it may ask again."""
    trigger = Recorder()
    notify(listener, alert())
    work_off(inbox, trigger, decided("data_fault"))
    assert trigger.asked == []
    notify(listener, alert())
    work_off(inbox, trigger, decided(as_of=date(2026, 4, 2)))
    assert trigger.asked == [("scam", date(2026, 4, 2))]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "not JSON"),
        (b"[]", "Alertmanager notification"),
        (b'{"alerts": [3]}', r"alerts[0] must be an object"),
        (b"[" * 100_000, "not JSON"),
    ],
    ids=["no json", "no notification", "no alert", "too deep"],
)
def test_a_body_that_cannot_be_read_is_refused(listener, inbox, body, said):
    """One line says what is wrong; nothing is kept, and the server goes on."""
    status, answer = post(listener, body)
    assert (status, said in answer["error"]) == (400, True)
    assert inbox.next() is None
    assert notify(listener, alert())[0] == 202


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (alert(labels={"model": "scum"}), "model='scum'"),
        (alert(labels={"alertname": "\ud800"}), "cannot be printed"),
    ],
    ids=["unknown model", "no text"],
)
def test_a_bad_alert_loses_none_beside_it(listener, inbox, bad, said):
    """What cannot be trained is named in the answer; the good alert of the notification is kept."""
    status, answer = notify(listener, bad, alert())
    assert (status, len(answer["accepted"]), said in answer["refused"][0]) == (202, 1, True)
    assert inbox.next() is not None


def test_an_error_nobody_thought_of_stops_no_other(listener, inbox):
    """Whatever a training raises, the request failed with the reason and the listener goes on."""
    trigger = Recorder()
    trigger.trouble = ZeroDivisionError("division by zero")
    notify(listener, alert())
    work_off(inbox, trigger, decided())
    assert inbox.next() is None


def test_refuses_what_is_too_long_or_elsewhere(listener):
    """A body announced above the limit is not waited for; other paths are not found."""
    connection = HTTPConnection(*listener.server_address[:2], timeout=10)
    connection.putrequest("POST", "/alerts")
    connection.putheader("Content-Length", str(MAX_BYTES + 1))
    connection.endheaders()
    assert connection.getresponse().status == 413
    assert post(listener, b"{}", "/")[0] == 404
