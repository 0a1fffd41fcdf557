"""Kill a day's scoring, retraining and release at random moments, run them again, and look.

``python tests/torture/release.py FOLDER KILLS SEED``, in an empty or a prepared FOLDER

prepare past with the rule as champion → a day and its release in peace → (kill → look → run again
→ look) …

After a kill: exactly one champion, which loads; no case twice; the day's cases all or none. After
running again: the cases, scores, decisions and moves of the day in peace, and aliases that agree.
"""

import hashlib
import os
import random
import shutil
import signal
import sys
import time
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path

import duckdb

from torture import IMPORTED, ROOT, in_child, say
from ucu_mlops.adapters.mlflow_registry import MlflowRegistry
from ucu_mlops.adapters.sqlite_ledger import SqliteLedger
from ucu_mlops.bundle.predict import Predictor
from ucu_mlops.errors import UcuMlopsError
from ucu_mlops.loop.checkout import make_checkout
from ucu_mlops.loop.project import Project

DAY = "2026-03-31"
TABLES = ("cases", "scores", "decisions", "verdicts")
KEYS = {"cases": "case_id", "scores": "entity_id, label, as_of", "verdicts": "verdict_id"}
MODELS = Path("data/06_models")


def main(folder: Path, kills: int, seed: int) -> int:
    """Torture a day and its release; return how many kills left something wrong."""
    os.chdir(prepared(folder))
    restore()
    before = in_child(tables)
    seconds = in_child(play)
    after, moves = in_child(tables), in_child(moved)
    say(f"an undisturbed day takes {seconds:.2f} s; the ledger says {', '.join(moves)}")
    chance, wrong = random.Random(seed), []  # noqa: S311 (no secret)
    for number in range(kills):
        at = kill_once(chance, seconds)
        found, bad = in_child(tables), in_child(faults)
        bad += [
            f"{name} is neither old nor new"
            for name in TABLES
            if found.get(name) not in (before.get(name), after[name])
        ]
        reached = in_child(moved)
        in_child(play)
        again = in_child(tables)
        bad += [f"run again, {name} differs" for name in TABLES if again[name] != after[name]]
        bad += [f"run again, {each}" for each in in_child(faults)]
        if (told := in_child(moved)) != moves:
            bad.append(f"run again, the ledger says {told}")
        if odd := in_child(aliases_off):
            bad.append(f"run again, {odd}")
        say(f"kill {number} after {at:.2f} s, {len(reached)} moves: {'; '.join(bad) or 'well'}")
        wrong += bad
    say(f"{kills} kills, {len(wrong)} complaints")
    return len(wrong)


def prepared(folder: Path) -> Path:
    """Make a small platform's past with the rule as champion, once."""
    if not (folder / "prepared").exists():
        make_checkout(ROOT, folder)
        os.chdir(folder)
        for pipeline in ("simulation", "features", "scam_coldstart"):
            in_child(run, pipeline)
        shutil.copytree("data", "prepared")
    return folder


def restore() -> None:
    """Put the project's data back to where a day starts."""
    shutil.rmtree("data")
    shutil.copytree("prepared", "data")


def kill_once(chance: random.Random, seconds: float) -> float:
    """Kill a day at a random moment of its time; one that was over already is no kill."""
    while True:
        restore()
        at = chance.uniform(0, seconds)
        child = get_context("fork").Process(target=play)
        child.start()
        child.join(at)
        child.kill()
        child.join()
        if child.exitcode == -signal.SIGKILL:
            return at


def run(pipeline: str) -> None:
    """Run a pipeline of the past."""
    Project(Path.cwd(), env="test").run(pipeline)


def play() -> float:
    """Score the day, train again and ask the gate; return the seconds it took."""
    start = time.perf_counter()
    for pipeline in ("scam_daily", "scam_retrain"):
        Project(Path.cwd(), env="test").run(pipeline, as_of=DAY)
    return time.perf_counter() - start


def tables() -> dict[str, str]:
    """Describe what a day makes by what is in it."""
    found = {}
    with duckdb.connect("data/warehouse.duckdb") as connection:
        names = connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
        for name in set(TABLES) & {name for (name,) in names}:
            query = f"SELECT CAST(t AS VARCHAR) AS row FROM {name} t ORDER BY row"  # noqa: S608
            rows = "\n".join(row for (row,) in connection.execute(query).fetchall())
            found[name] = hashlib.blake2b(rows.encode()).hexdigest()
    return found


def moved() -> list[str]:
    """Say what the ledger says, but for the versions' numbers: a killed one may have used one."""
    return [
        f"{move.revision} {move.kind}" for move in SqliteLedger(MODELS / "ledger.db").moves("scam")
    ]


def faults() -> list[str]:
    """Name what must never be: no champion or one that does not load, a gap, a row twice."""
    bad = []
    moves = SqliteLedger(MODELS / "ledger.db").moves("scam")
    if [move.revision for move in moves] != list(range(1, len(moves) + 1)) or not moves:
        bad.append(f"revisions are {[move.revision for move in moves]}")
    else:
        try:
            Predictor(registry().fetch("scam", moves[-1].to_version, MODELS / "bundles"))
        except UcuMlopsError as error:
            bad.append(f"the champion does not load: {error}")
    with duckdb.connect("data/warehouse.duckdb") as connection:
        for name, key in KEYS.items():
            counts = f"SELECT count(*) - count(DISTINCT ({key})) FROM {name}"  # noqa: S608
            try:
                ((twice,),) = connection.execute(counts).fetchall()
            except duckdb.CatalogException:  # not made yet
                continue
            if twice:
                bad.append(f"{twice} rows of {name} are there twice")
    return bad


def aliases_off() -> str:
    """Compare the registry's champion with the ledger's."""
    alias = registry().version_of("scam", "champion")
    head = SqliteLedger(MODELS / "ledger.db").head("scam")
    agreed = head is not None and head.to_version == alias
    return "" if agreed else f"the alias champion is {alias}, the ledger's head {head}"


def registry() -> MlflowRegistry:
    """Open the project's registry."""
    return MlflowRegistry(f"sqlite:///{MODELS}/mlflow.db", MODELS / "artifacts")


if __name__ == "__main__":
    for module in IMPORTED:
        import_module(module)
    sys.exit(min(main(Path(sys.argv[1]).absolute(), int(sys.argv[2]), int(sys.argv[3])), 1))
