"""``python -m bench.serving``: requests per second of the server, as shares of what is possible.

One worker each, the same uvicorn; all servers run, one after another is asked by 32 connections
from a process of its own, and again. Every answer must be 200.
"""

import contextlib
import json
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.harness import Figure, report
from bench.scoring import CATEGORICAL, FEATURES, NUMERIC, OPTIONS, TRAINING_ROWS, WORDS, draw_users
from bench.scoring_ours import DAY
from bench.servers import OURS, QUIET, UVICORN, Asked, Start, running, said, turn
from ucu_mlops.adapters.sqlite_ledger import SqliteLedger
from ucu_mlops.bundle.store import write_bundle
from ucu_mlops.release.moves import override
from ucu_mlops.scam.training import train

CONNECTIONS = 32
PRODUCT, NOTHING, FASTAPI = "ours", "an ASGI app that does nothing", "FastAPI + the same ONNX"
GOALS = {NOTHING: 0.45, FASTAPI: 1.0}
APPS = {
    NOTHING: ["bench.serving_peers:nothing"],
    FASTAPI: ["--factory", "bench.serving_peers:fastapi"],
}


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


def ours(folder: Path, port: int) -> Start:
    """Start the product on a port."""
    serving = folder / "conf/base/serving.yml"
    serving.write_text(json.dumps({"port": port, "grpc_port": None}))
    return Start([*OURS, "--conf", str(folder / "conf")])


def peer(app: Sequence[str], folder: Path, port: int) -> Start:
    """Start an ASGI application in uvicorn."""
    command = [*UVICORN, *QUIET, *app, "--port", str(port)]
    return Start(command, {"BENCH_BUNDLE": str(folder / "bundles/scam/1")})


def measure(load: Load) -> dict[str, list[dict]]:
    """Ask all servers in turn.

    Returns:
        By server, what each turn found.
    """
    with TemporaryDirectory() as place, contextlib.ExitStack() as stack:
        folder = Path(place)
        prepare(folder, load.rows)
        asked = Asked(folder / "body.json")
        starts = {PRODUCT: partial(ours, folder)}
        starts |= {name: partial(peer, app, folder) for name, app in APPS.items()}
        ports = {name: stack.enter_context(running(start, asked)) for name, start in starts.items()}
        found: dict[str, list[dict]] = {name: [] for name in ports}
        for _ in range(load.repetitions):
            for name, port in ports.items():
                found[name].append(turn(port, asked, CONNECTIONS, load.seconds))
    return found


def figures(found: dict[str, list[dict]]) -> list[Figure]:
    """Compare the rates: ours by the other's."""
    ours = [each["rate"] for each in found[PRODUCT]]
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
        print(said(name, turns))  # noqa: T201
    print(report(figures(found), options.results))  # noqa: T201


if __name__ == "__main__":
    main()
