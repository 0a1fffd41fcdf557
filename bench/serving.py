"""``python -m bench.serving``: requests per second of the server, as shares of what is possible.

One worker each; all servers run, one after another is asked by 32 connections from a process of its
own, and again. Every answer must be 200. First a user's features are given, against an empty app,
the same ONNX behind FastAPI, and a scikit-learn pipeline in ``mlflow models serve`` (and MLServer,
which needs an environment of its own: ``--mlserver PYTHON``). Then users are looked up.
"""

import contextlib
from argparse import ArgumentParser
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.harness import Figure, report
from bench.scoring import TRAINING_ROWS
from bench.servers import Asked, Start, running, said, turn
from bench.serving_prepare import mlflow, mlserver, nothing, ours, prepare, uvicorn

CONNECTIONS = 32
USERS = 1_000_000
PRODUCT, NOTHING, FASTAPI = "ours", "an ASGI app that does nothing", "FastAPI + the same ONNX"
MLFLOW, MLSERVER = "mlflow models serve", "MLServer"
GIVEN_GOALS = {NOTHING: 0.45, FASTAPI: 1.0, MLFLOW: 50.0, MLSERVER: 50.0}
LOOKED_UP_GOALS = {NOTHING: 0.3}
TAIL = 10.0  # how many times the median the 99th percentile may be
Turns = list[dict[str, float]]


@dataclass(frozen=True)
class Load:
    """How the servers are asked.

    Attributes:
        seconds: Of one turn.
        repetitions: Turns of each.
        rows: Users that the model learns from.
        users: Users that are published.
        mlserver: Python of an environment that has MLServer; None: it is left out.
    """

    seconds: float
    repetitions: int
    rows: int
    users: int
    mlserver: str | None = None


@dataclass(frozen=True)
class Server:
    """A server and what it is asked."""

    start: Callable[[int], Start]
    asked: Asked


def measure(load: Load) -> tuple[dict[str, Turns], dict[str, Turns]]:
    """Ask all servers in turn.

    Returns:
        By server what each turn found: with features given, and looked up.
    """
    with TemporaryDirectory() as place:
        folder = Path(place)
        prepare(folder, load.rows, load.users)
        body = Asked(folder / "body.json")
        given = {
            PRODUCT: Server(partial(ours, folder), body),
            NOTHING: Server(nothing, body),
            FASTAPI: Server(partial(uvicorn, folder, "bench.serving_peers:fastapi"), body),
            MLFLOW: Server(
                partial(mlflow, folder), Asked(folder / "records.json", path="/invocations")
            ),
        }
        if load.mlserver is not None:
            path = "/v2/models/scam/infer"
            start = partial(mlserver, folder, load.mlserver)
            given[MLSERVER] = Server(start, Asked(folder / "tensors.json", path=path))
        ids = Asked(folder / "ids.jsonl")
        looked_up = {PRODUCT: Server(partial(ours, folder), ids), NOTHING: Server(nothing, ids)}
        return _taken(given, load), _taken(looked_up, load)


def _taken(servers: Mapping[str, Server], load: Load) -> dict[str, Turns]:
    found: dict[str, Turns] = {name: [] for name in servers}
    with contextlib.ExitStack() as stack:
        ports = {
            name: stack.enter_context(running(each.start, each.asked))
            for name, each in servers.items()
        }
        for _ in range(load.repetitions):
            for name, port in ports.items():
                found[name].append(turn(port, servers[name].asked, CONNECTIONS, load.seconds))
    return found


def figures(what: str, found: Mapping[str, Turns], goals: Mapping[str, float]) -> list[Figure]:
    """Compare the rates: ours by the other's."""
    ours_rates = [each["rate"] for each in found[PRODUCT]]
    lines = []
    for peer in set(goals) & set(found):
        theirs = [each["rate"] for each in found[peer]]
        lines.append(_figure(f"requests/s, {what}", peer, goals[peer], ours_rates, theirs))
    return sorted(lines, key=lambda line: [*goals].index(line.peer))


def tail(found: Sequence[Mapping[str, float]]) -> Figure:
    """Compare ten times the median latency with the 99th percentile."""
    allowed = [TAIL * each["p50_ms"] for each in found]
    return _figure(
        "10 times p50, looked up", "p99", 1.0, allowed, [each["p99_ms"] for each in found]
    )


def _figure(
    name: str, peer: str, goal: float, ours_: Sequence[float], theirs: Sequence[float]
) -> Figure:
    shares = [mine / other for mine, other in zip(ours_, theirs, strict=True)]
    ratio = median(ours_) / median(theirs)
    return Figure(
        name=name,
        peer=peer,
        ratio=ratio,
        memory_ratio=None,
        goal=goal,
        memory_goal=None,
        holds=ratio >= goal,
        spread=(min(shares), max(shares)),
        ours=median(ours_),
        theirs=median(theirs),
    )


def main(given: Sequence[str] | None = None) -> None:
    """Measure, print and write."""
    parser = ArgumentParser(prog="python -m bench.serving", description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="of one turn")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--rows", type=int, default=TRAINING_ROWS, help="the model learns from")
    parser.add_argument("--users", type=int, default=USERS, help="that are published")
    parser.add_argument("--mlserver", help="python of an environment that has MLServer")
    results = Path(__file__).with_name("serving.json")
    parser.add_argument("--results", type=Path, default=results)
    chosen = vars(parser.parse_args(given))
    path = chosen.pop("results")
    with_features, looked_up = measure(Load(**chosen))
    for what, found in (("features given", with_features), ("looked up", looked_up)):
        for name, turns in found.items():
            print(said(f"{name}, {what}", turns))  # noqa: T201
    lines = figures("features given", with_features, GIVEN_GOALS)
    lines += [*figures("looked up", looked_up, LOOKED_UP_GOALS), tail(looked_up[PRODUCT])]
    print(report(lines, path))  # noqa: T201


if __name__ == "__main__":
    main()
