"""``python -m bench.serving``: requests per second of the server, as shares of what is possible.

One worker each, the same uvicorn; all servers run, one after another is asked by 32 connections
from a process of its own, and again. Every answer must be 200.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.harness import Figure, report
from bench.scoring import CATEGORICAL, FEATURES, NUMERIC, OPTIONS, TRAINING_ROWS, WORDS, draw_users
from bench.scoring_ours import DAY
from ucu_mlops.adapters.sqlite_ledger import SqliteLedger
from ucu_mlops.bundle.store import write_bundle
from ucu_mlops.release.moves import override
from ucu_mlops.scam.training import train

CONNECTIONS = 32
OURS, NOTHING, FASTAPI = "ours", "an ASGI app that does nothing", "FastAPI + the same ONNX"
GOALS = {NOTHING: 0.45, FASTAPI: 1.0}
UVICORN = [sys.executable, "-m", "uvicorn", "--http", "httptools", "--loop", "uvloop"]
QUIET = ["--no-access-log", "--log-level", "warning"]
COMMANDS = {
    OURS: [sys.executable, "-m", "ucu_mlops.serving"],
    NOTHING: [*UVICORN, *QUIET, "bench.serving_peers:nothing"],
    FASTAPI: [*UVICORN, *QUIET, "--factory", "bench.serving_peers:fastapi"],
}
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Load:
    """How the servers are asked.

    Attributes:
        seconds: Of one turn.
        repetitions: Turns of each.
        rows: Users that the model learns from.
    """

    seconds: float
    repetitions: int
    rows: int


def prepare(folder: Path, rows: int) -> None:
    """Train a model, make it champion and write the configuration and a request's body."""
    users = draw_users(rows, seed=1)
    draft = train(users, FEATURES, OPTIONS, as_of=DAY, training={"training_id": "bench"})
    write_bundle(draft, folder / "bundles/scam/1")
    at = datetime(2026, 4, 1, tzinfo=UTC)
    override(SqliteLedger(folder / "ledger.db"), "scam", "1", "bench", "to be measured", at)
    conf = folder / "conf/base"
    conf.mkdir(parents=True)
    places = {name: str(folder / name) for name in ("ledger.db", "bundles", "spool")}
    written = {"ledger": places.pop("ledger.db"), "tracking_uri": "sqlite:///none.db", **places}
    (conf / "globals.yml").write_text(json.dumps(written))
    features = dict.fromkeys(NUMERIC, 1.5) | dict.fromkeys(CATEGORICAL, WORDS[0])
    body = {"instances": [{"features": features}]}
    (folder / "body.json").write_text(json.dumps(body))


@contextlib.contextmanager
def running(name: str, folder: Path) -> Iterator[int]:
    """Run a server; gives its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    serving = folder / "conf/base/serving.yml"
    serving.write_text(json.dumps({"port": port, "grpc_port": None}))
    command = [*COMMANDS[name], *(["--conf", str(folder / "conf")] if name == OURS else [])]
    if name != OURS:
        command += ["--port", str(port)]
    environ = {**os.environ, "BENCH_BUNDLE": str(folder / "bundles/scam/1"), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, cwd=ROOT, env=environ, stderr=subprocess.DEVNULL)  # noqa: S603
    try:
        _wait_until_it_answers(process, port, (folder / "body.json").read_bytes())
        yield port
    finally:
        process.terminate()
        process.wait()


def _wait_until_it_answers(process: subprocess.Popen, port: int, body: bytes) -> None:
    while process.poll() is None:
        with (
            contextlib.suppress(OSError),
            contextlib.closing(HTTPConnection("127.0.0.1", port, timeout=10)) as connection,
        ):
            connection.request("POST", "/predict", body, {"Content-Type": "application/json"})
            if connection.getresponse().status == 200:  # noqa: PLR2004 (OK)
                return
        time.sleep(0.1)
    raise AssertionError(f"a server ended with {process.returncode}")


def turn(port: int, body: Path, seconds: float) -> dict:
    """Ask a server for a while, from a process of its own."""
    arguments = [str(port), "/predict", str(body), str(CONNECTIONS), str(seconds)]
    command = [sys.executable, "-m", "bench.load", *arguments]
    done = subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.PIPE)  # noqa: S603
    found: dict = json.loads(done.stdout)
    if found["failed"]:
        raise AssertionError(f"not every answer was 200: {found}")
    return found


def measure(load: Load) -> dict[str, list[dict]]:
    """Ask all servers in turn.

    Returns:
        By server, what each turn found.
    """
    with TemporaryDirectory() as place, contextlib.ExitStack() as stack:
        folder = Path(place)
        prepare(folder, load.rows)
        ports = {name: stack.enter_context(running(name, folder)) for name in COMMANDS}
        found: dict[str, list[dict]] = {name: [] for name in COMMANDS}
        for _ in range(load.repetitions):
            for name, port in ports.items():
                found[name].append(turn(port, folder / "body.json", load.seconds))
    return found


def figures(found: dict[str, list[dict]]) -> list[Figure]:
    """Compare the rates: ours by the other's."""
    ours = [each["rate"] for each in found[OURS]]
    lines = []
    for peer, goal in GOALS.items():
        theirs = [each["rate"] for each in found[peer]]
        shares = [mine / other for mine, other in zip(ours, theirs, strict=True)]
        ratio, spread = median(ours) / median(theirs), (min(shares), max(shares))
        line = Figure(
            f"requests/s, {CONNECTIONS} connections",
            *(peer, ratio, None, goal, None, ratio >= goal, spread, median(ours), median(theirs)),
        )
        lines.append(line)
    return lines


def main(given: Sequence[str] | None = None) -> None:
    """Measure, print and write."""
    parser = ArgumentParser(prog="python -m bench.serving", description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="of one turn")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--rows", type=int, default=TRAINING_ROWS, help="the model learns from")
    results = Path(__file__).with_name("serving.json")
    parser.add_argument("--results", type=Path, default=results)
    options = parser.parse_args(given)
    found = measure(Load(options.seconds, options.repetitions, options.rows))
    for name, turns in found.items():
        middle = {key: median(each[key] for each in turns) for key in ("rate", "p50_ms", "p99_ms")}
        latency = f"p50 {middle['p50_ms']:.2f} ms, p99 {middle['p99_ms']:.2f} ms"
        print(f"{name:<32}{middle['rate']:>8,.0f}/s  {latency}")  # noqa: T201
    print(report(figures(found), options.results))  # noqa: T201


if __name__ == "__main__":
    main()
