"""Accept Alertmanager's webhook, and train one model after another for what it asks.

POST /alerts → inbox → the trigger, one request at a time; GET /health/live
"""

import json
import logging
import threading
from datetime import date
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from ucu_mlops.errors import ConfigurationError, DataError, UcuMlopsError
from ucu_mlops.loop.decided import Decided, Decisions, ProjectDecisions
from ucu_mlops.loop.inbox import Inbox, Request, parse_alerts
from ucu_mlops.loop.project import Project
from ucu_mlops.loop.triggers import trigger_of
from ucu_mlops.release.trigger import Trigger

logger = logging.getLogger(__name__)

MAX_BYTES = 1 << 20  # a notification of a thousand alerts has half of that
MAX_DIGITS = len(str(MAX_BYTES))


class Listener(ThreadingHTTPServer):
    """Keeps what is asked for; answers at once, whatever is being trained.

    Args:
        host: Where to listen.
        port: On which port; 0 takes a free one.
        inbox: Where requests are kept.
        models: Models that can be trained.
    """

    daemon_threads = True

    def __init__(self, host: str, port: int, inbox: Inbox, models: frozenset[str]) -> None:
        super().__init__((host, port), _Handler)
        self.inbox = inbox
        self.models = models
        self.asked = threading.Event()

    def accept(self, body: bytes) -> dict[str, Any]:
        """Keep the trainings that a notification asks for.

        Raises:
            DataError: It cannot be read; nothing was kept.
        """
        try:
            payload = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise DataError(f"the body is not JSON: {error}") from error
        requests, refused = parse_alerts(payload, self.models)
        accepted = [each.request_id for each in requests if self.inbox.add(each)]
        if accepted:
            self.asked.set()
        asked = [each.request_id for each in requests]
        return {"asked": asked, "accepted": accepted, "refused": refused}


class _Handler(BaseHTTPRequestHandler):
    server: Listener
    timeout = 10  # seconds that a client may take for its request

    def do_POST(self) -> None:
        if self.path != "/alerts":
            self._answer(HTTPStatus.NOT_FOUND, {"error": "POST to /alerts"})
            return
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or len(length) > MAX_DIGITS or int(length) > MAX_BYTES:
            error = f"Content-Length must be given and at most {MAX_BYTES}"
            self._answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, {"error": error})
            return
        try:
            accepted = self.server.accept(self.rfile.read(int(length)))
        except DataError as error:
            self._answer(HTTPStatus.BAD_REQUEST, {"error": str(error)})
        else:
            self._answer(HTTPStatus.ACCEPTED, accepted)

    def do_GET(self) -> None:
        found = self.path == "/health/live"
        status = HTTPStatus.OK if found else HTTPStatus.NOT_FOUND
        self._answer(status, {"status": "live"} if found else {"error": "GET /health/live"})

    def _answer(self, status: HTTPStatus, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base's name)
        logger.debug(format, *args)


def work_off(inbox: Inbox, trigger: Trigger, decisions: Decisions) -> None:
    """Deal with every waiting request, one after another; one that fails stops no other.

    Killed in between, a request still waits and goes on for the same day.

    Args:
        inbox: Where requests are kept.
        trigger: What trains.
        decisions: What was decided, and where a training that was asked for is written down.
    """
    while (request := inbox.next()) is not None:
        try:
            # Whatever a training raises, one request must not stop the listener.
            state, detail = "done", _deal_with(request, inbox, trigger, decisions)
        except UcuMlopsError as error:
            state, detail = "failed", f"{type(error).__name__}: {error}"
        except Exception as error:
            logger.exception("%s of %s raised what nobody expects", request.alert, request.model)
            state, detail = "failed", f"{type(error).__name__}: {error}"
        inbox.end(request, state, detail)
        logger.info("%s of %s: %s, %s", request.alert, request.model, state, detail)


def _deal_with(request: Request, inbox: Inbox, trigger: Trigger, decisions: Decisions) -> str:
    as_of = request.as_of or _day_to_train(decisions.last(request.model))
    inbox.begin(request, as_of)
    sentence = f"The alert {request.alert}, firing since {request.starts_at}, asks for a training."
    decisions.ask(request.model, as_of, sentence)
    trigger.retrain(request.model, as_of)
    return f"trained and judged as of {as_of}"


def _day_to_train(last: Decided) -> date:
    """Give the day to train for, unless what holds the monitor's own trainings holds this one.

    Raises:
        DataError: The day's data is broken, or training again waits.
    """
    if last.action == "data_fault":
        raise DataError(
            f"nothing is trained on {last.as_of}, a day of a data fault; mend the feed, the alert "
            "asks again"
        )
    if last.hold and last.action != "retrain":
        raise DataError(f"nothing is trained on {last.as_of}. {last.hold} The alert asks again")
    return last.as_of


def listen(project: Project, host: str, port: int) -> None:
    """Listen until the process is stopped; what waits from before is dealt with first.

    Args:
        project: The project whose models are trained.
        host: Where to listen.
        port: On which port.

    Raises:
        ConfigurationError: The inbox is no local file, or the trigger cannot be had.
    """
    place = str(project.configuration("globals")["inbox"])
    if "://" in place:
        raise ConfigurationError(
            f"the inbox {place} must be a file on the listener's own disk; set inbox in"
            " conf/*/globals.yml, such as /var/lib/ucu-mlops/inbox.db"
        )
    inbox, trigger = Inbox(Path(place)), trigger_of(project)
    models = frozenset(project.configuration("parameters")["decision"])
    with Listener(host, port, inbox, models) as listener:
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        logger.info("listening on http://%s:%s/alerts", *listener.server_address[:2])
        while True:
            listener.asked.clear()
            work_off(inbox, trigger, ProjectDecisions(project))
            listener.asked.wait()
