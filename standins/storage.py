"""Cloud Storage on loopback: gcp-storage-emulator, behind what makes it keep conditions.

The emulator ignores ``ifGenerationMatch``. The gate in front of it answers 412 where the condition
does not hold, one upload at a time, and loses an answer on order.
"""

import json
import re
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

from standins.processes import free_port, running

UPLOAD = re.compile(r"/upload/storage/v1/b/(?P<bucket>[^/]+)/o")
NAME = re.compile(rb'"name":\s*("(?:[^"\\]|\\.)*")')
OWN = frozenset({"connection", "content-length", "date", "server", "transfer-encoding"})


class Gate(ThreadingHTTPServer):
    """Passes requests on, and keeps the conditions of uploads.

    Attributes:
        lose_answers: So many of the next uploads are carried out, and answered 503.
        refused: How many uploads were answered 412.
    """

    daemon_threads = True

    def __init__(self, behind: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behind = behind
        self.one_upload = threading.Lock()
        self.lose_answers = 0
        self.refused = 0

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def generation(self, bucket: str, name: str) -> int:
        """Return an object's generation, 0 where there is none."""
        found = f"{self.behind}/storage/v1/b/{bucket}/o/{quote(name, safe='')}"
        try:
            with urllib.request.urlopen(found) as answer:  # noqa: S310 (loopback)
                return int(json.load(answer)["generation"])
        except urllib.error.HTTPError:
            return 0


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Gate

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        upload = UPLOAD.fullmatch(parts.path)
        condition = parse_qs(parts.query).get("ifGenerationMatch")
        if not (self.command == "POST" and upload and condition):
            self._answer(*self._behind(body))
            return
        named = NAME.search(body)
        if named is None:
            self._answer(501, {}, b"an upload that does not name its object first")
            return
        with self.server.one_upload:
            found = self.server.generation(upload["bucket"], json.loads(named[1]))
            if found != int(condition[0]):
                self.server.refused += 1
                self._answer(412, {}, b'{"error": {"code": 412, "message": "conditionNotMet"}}')
                return
            answer = self._behind(body)
            if self.server.lose_answers:
                self.server.lose_answers -= 1
                answer = (503, {}, b'{"error": {"code": 503, "message": "lost on order"}}')
            self._answer(*answer)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _pass  # noqa: N815 (the library's names)

    def _behind(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        asked = urllib.request.Request(  # noqa: S310 (loopback)
            self.server.behind + self.path,
            data=body if self.command in ("POST", "PUT", "PATCH") else None,
            headers={name: value for name, value in self.headers.items() if name != "Host"},
            method=self.command,
        )
        try:
            with urllib.request.urlopen(asked) as answer:  # noqa: S310 (loopback)
                return answer.status, dict(answer.headers), answer.read()
        except urllib.error.HTTPError as error:
            return error.code, dict(error.headers), error.read()

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in OWN:
                self.send_header(name, value.replace(self.server.behind, self.server.url))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving(folder: Path, bucket: str) -> Iterator[Gate]:
    """Serve one empty bucket until the caller is done.

    Yields:
        The gate; with its ``url`` in ``STORAGE_EMULATOR_HOST`` Google's clients go there.
    """
    port = free_port()
    command = ["gcp-storage-emulator", "--data-dir", str(folder / "data"), "start", "--quiet"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--default-bucket", bucket]
    address = f"http://127.0.0.1:{port}"
    with running(command, port, folder, {"STORAGE_EMULATOR_HOST": address}):
        gate = Gate(address)
        thread = threading.Thread(target=gate.serve_forever, daemon=True)
        thread.start()
        try:
            yield gate
        finally:
            gate.shutdown()
            thread.join()
            gate.server_close()
