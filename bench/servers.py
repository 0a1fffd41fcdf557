"""Server processes to be measured, and the load that another process puts on them."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[1]
UVICORN = [sys.executable, "-m", "uvicorn", "--http", "httptools", "--loop", "uvloop"]
QUIET = ["--no-access-log", "--log-level", "warning"]
OURS = [sys.executable, "-m", "ucu_mlops.serving"]
PATIENCE_S = 300  # a peer may import for a minute; a GPU's code is compiled first
OK, STARTING = 200, {404, 503}  # some answer before their model is loaded


@dataclass(frozen=True)
class Asked:
    """What a server is asked, again and again.

    Attributes:
        body: A file with the request's body.
        media: Its media type.
        path: Where to.
    """

    body: Path
    media: str = "application/json"
    path: str = "/predict"

    @property
    def is_many(self) -> bool:
        """Whether the file holds many bodies, one per line, sent in turn."""
        return self.body.suffix == ".jsonl"


@dataclass(frozen=True)
class Start:
    """How to start a server.

    Attributes:
        command: Its command.
        environ: Beside this process's environment.
    """

    command: Sequence[str]
    environ: Mapping[str, str] = field(default_factory=dict)


@contextlib.contextmanager
def running(start: Callable[[int], Start], asked: Asked) -> Iterator[int]:
    """Run a server until it answers and then for as long as it is needed; gives its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    chosen = start(port)
    environ = {**os.environ, "OMP_NUM_THREADS": "1", **chosen.environ}
    with tempfile.TemporaryFile() as log:
        # A group of its own: some peers start workers that outlive them.
        process = subprocess.Popen(  # noqa: S603
            chosen.command, cwd=ROOT, env=environ, stderr=log, start_new_session=True
        )
        try:
            if not _answers(process, port, asked):
                log.seek(0)
                end = log.read().decode(errors="replace")[-1_000:]
                raise AssertionError(f"{' '.join(chosen.command)} does not answer: {end}")
            yield port
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait()


def turn(port: int, asked: Asked, connections: int, seconds: float) -> dict[str, float]:
    """Ask a server for a while, from a process of its own.

    Returns:
        ``rate`` (answers per second), ``p50_ms``, ``p99_ms``, ``failed``, ``answered``.

    Raises:
        AssertionError: Not every answer was 200.
    """
    arguments = [port, asked.path, asked.body, connections, seconds, asked.media]
    command = [sys.executable, "-m", "bench.load", *map(str, arguments)]
    done = subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.PIPE)  # noqa: S603
    found: dict[str, float] = json.loads(done.stdout)
    if found["failed"]:
        raise AssertionError(f"not every answer was 200: {found}")
    return found


def said(name: str, turns: Sequence[Mapping[str, float]]) -> str:
    """Say in a line what a server reached, by the median of its turns."""
    middle = {key: median(each[key] for each in turns) for key in ("rate", "p50_ms", "p99_ms")}
    latency = f"p50 {middle['p50_ms']:.2f} ms, p99 {middle['p99_ms']:.2f} ms"
    return f"{name:<36}{middle['rate']:>10,.1f}/s  {latency}"


def _answers(process: subprocess.Popen[bytes], port: int, asked: Asked) -> bool:
    """Wait until a server answers; tell whether it answers as it should."""
    body = asked.body.read_bytes().splitlines()[0] if asked.is_many else asked.body.read_bytes()
    end = time.monotonic() + PATIENCE_S
    while process.poll() is None and time.monotonic() < end:
        with (
            contextlib.suppress(OSError),
            contextlib.closing(HTTPConnection("127.0.0.1", port, timeout=60)) as connection,
        ):
            connection.request("POST", asked.path, body, {"Content-Type": asked.media})
            status = connection.getresponse().status
            if status not in STARTING:
                return status == OK
        time.sleep(0.1)
    return False
