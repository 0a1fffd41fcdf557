"""Kill a day's scoring at random moments, run it again, and compare with a day left in peace.

``python tests/torture/torture.py FOLDER KILLS SEED``, in an empty or a prepared FOLDER

prepare past, champion, features of the day → score in peace → (kill → look → run again → look) …

This process imports everything and opens nothing; each run is a child forked from it.
"""

import hashlib
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import duckdb

from ucu_mlops.loop.checkout import make_checkout
from ucu_mlops.loop.project import Project

ROOT = Path(__file__).parents[2]
DAY = "2026-04-01"
PIPELINE = "scam_scoring"
MADE = ("inputs_scam", "scores", "cases")
# What a run imports, before the first fork: a second instead of ten for each kill.
IMPORTED = (
    *("kedro_datasets.pandas", "kedro_mlflow.framework.hooks", "kedro_viz.integrations.kedro"),
    *("lightgbm", "mlflow", "onnxruntime", "ucu_mlops.pipeline_registry"),
)
HALF = "neither old nor new"

Digests = dict[str, str]


def main(folder: Path, kills: int, seed: int) -> int:
    """Torture the scoring of a day; return how many kills left something wrong."""
    os.chdir(prepared(folder))
    restore("prepared")
    shutil.rmtree("scored", ignore_errors=True)
    before = in_child(digests)
    seconds = timed(PIPELINE, DAY)
    after = in_child(digests)
    shutil.copytree("data", "scored")
    timed(PIPELINE, DAY)
    wrong = complaints("run twice", in_child(digests), after)
    changed = sorted(name for name in after if before.get(name) != after[name])
    say(f"an undisturbed run takes {seconds:.2f} s and writes {', '.join(changed)}")
    moments = random.Random(seed)  # noqa: S311 (no secret)
    for number in range(kills):
        start, old = ("scored", after) if number % 2 else ("prepared", before)
        at = kill_once(start, moments, seconds)
        found = in_child(digests)
        states = {name: state(found.get(name), old.get(name), after[name]) for name in MADE}
        bad = [f"kill {number}: {name} is {HALF}" for name in MADE if states[name] == HALF]
        timed(PIPELINE, DAY)
        bad += complaints(f"kill {number}, run again", in_child(digests), after)
        told = ", ".join(f"{name} {each}" for name, each in states.items())
        say(f"kill {number} of a {start} day after {at:.2f} s: {told}{': WRONG' if bad else ''}")
        wrong += bad
    say("\n".join([*wrong, f"{kills} kills, {len(wrong)} complaints"]))
    return len(wrong)


def prepared(folder: Path) -> Path:
    """Make a small platform's past, a released champion and the features of the day, once."""
    if not (folder / "prepared").exists():
        make_checkout(ROOT, folder)
        os.chdir(folder)
        timed("__default__", None)
        for pipeline in ("simulation_day", "features"):
            timed(pipeline, DAY)
        shutil.copytree("data", "prepared")
    return folder


def restore(start: str) -> None:
    """Put the project's data back to where a run starts."""
    shutil.rmtree("data")
    shutil.copytree(start, "data")


def kill_once(start: str, moments: random.Random, seconds: float) -> float:
    """Kill a run at a random moment of its time; one that was over already is no kill."""
    while True:
        restore(start)
        at = moments.uniform(0, seconds)
        child = get_context("fork").Process(target=run, args=(PIPELINE, DAY))
        child.start()
        child.join(at)
        child.kill()
        child.join()
        if child.exitcode == -signal.SIGKILL:
            return at


def state(found: str | None, old: str | None, new: str) -> str:
    """Say whether what a kill left of a table is the old content, the new, or neither."""
    if found == new:
        return "new"
    return "old" if found == old else HALF


def complaints(where: str, found: Digests, expected: Digests) -> list[str]:
    """Name what differs from the undisturbed run."""
    names = sorted(set(found) | set(expected))
    return [f"{where}: {name} differs" for name in names if found.get(name) != expected.get(name)]


def timed(pipeline: str, day: str | None) -> float:
    """Run a pipeline in a child that must end well; return the seconds it took."""
    start = time.perf_counter()
    in_child(run, pipeline, day)
    return time.perf_counter() - start


def run(pipeline: str, day: str | None) -> None:
    """Run a pipeline as the command would."""
    Project(Path.cwd(), env="test").run(pipeline, **({"as_of": day} if day else {}))


def digests() -> Digests:
    """Describe all that a project holds: tables, ledger and files, by what is in them."""
    found = {}
    with duckdb.connect("data/warehouse.duckdb") as connection:
        for (table,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall():
            query = f'SELECT CAST(t AS VARCHAR) FROM "{table}" t'  # noqa: S608 (our own names)
            rows = sorted(row for (row,) in connection.execute(query).fetchall())
            found[table] = hashlib.blake2b("\n".join(rows).encode()).hexdigest()
    for path in sorted(Path("data").rglob("*")):
        if path.is_file() and not path.name.startswith(("warehouse.duckdb", "mlflow.db")):
            found[str(path)] = hashlib.blake2b(path.read_bytes()).hexdigest()
    return found


def in_child(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function in a forked child and hand back what it returned."""
    context = get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def call() -> None:
        sender.send(function(*arguments))

    child = context.Process(target=call)
    child.start()
    sender.close()
    try:
        result = receiver.recv()
    except EOFError:
        result = None
    child.join()
    if child.exitcode != 0:
        raise SystemExit(f"{function.__name__} {arguments} ended with {child.exitcode}")
    return result


def say(line: str) -> None:
    """Tell how it goes while it goes."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    for module in IMPORTED:
        import_module(module)
    sys.exit(min(main(Path(sys.argv[1]).absolute(), int(sys.argv[2]), int(sys.argv[3])), 1))
