"""Play kinds of shifts over seeds, and judge what the loop did about each.

past, first model → quiet days → shift → days after it → judgement, one checkout per kind and seed
"""

import json
import logging
import shutil
from collections.abc import Iterator, Sequence
from contextlib import chdir
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import ucu_mlops
from ucu_mlops.adapters.sqlite_ledger import SqliteLedger
from ucu_mlops.loop.checkout import make_checkout
from ucu_mlops.loop.judges import judge_of
from ucu_mlops.loop.play import PlayOptions, play
from ucu_mlops.loop.project import Project
from ucu_mlops.quality.checks import COUNT, Allowed, check_numbers
from ucu_mlops.quality.hashing import derived_id

logger = logging.getLogger(__name__)

RESULT = "result.json"

FILE = "loop.yml"  # of conf/*/parameters/


@dataclass(frozen=True)
class DrillOptions:
    """What each play of a drill is.

    Attributes:
        model: Name of the model.
        shift_day: Day of the shift, counted from 1, the first day after the platform's past.
        days_after: Days played from the shift on.
        window: Days over which recall is averaged before the shift and after a release.
    """

    model: str
    shift_day: int
    days_after: int
    window: int

    def __post_init__(self) -> None:
        check_numbers(self, "drill", FILE, window=COUNT, days_after=COUNT)
        least = Allowed(least=self.window + 1, whole=True)  # recall before the shift is averaged
        check_numbers(self, "drill", FILE, shift_day=least)


def drill(
    path: Path, env: str | None, options: DrillOptions, kinds: Sequence[str], seeds: Sequence[int]
) -> Iterator[dict[str, Any]]:
    """Play each kind of shift with each seed; yields each judgement as it is there.

    A play that was killed goes on where it was, one that is done is not played again, and one
    that was played under another configuration or by other code begins anew.

    Args:
        path: The checkout whose configuration is played; plays lie below its ``data/drill``.
        env: Name of the configuration environment; None is the desk.
        options: What each play is.
        kinds: Kinds of shift.
        seeds: Seeds of the platform.
    """
    identity = _identity(path, env, options)
    for seed in seeds:
        for kind in kinds:
            folder = path / "data/drill" / f"{kind}-{seed}"
            done = _read_result(folder / RESULT)
            if done is None or done["identity"] != identity:
                done = _play(path, env, options, folder, kind, seed) | {"identity": identity}
                _write_result(folder / RESULT, done)
            yield done


def known_plays(path: Path, env: str | None, options: DrillOptions) -> list[dict[str, Any]]:
    """Read the judgements of all plays that hold for the code and configuration there are.

    Args:
        path: The checkout whose configuration is played.
        env: Name of the configuration environment; None is the desk.
        options: What each play is.

    Returns:
        Judgements, by kind and seed: those of earlier calls too.
    """
    identity = _identity(path, env, options)
    read = [_read_result(file) for file in (path / "data/drill").glob(f"*/{RESULT}")]
    known = [each for each in read if each is not None and each["identity"] == identity]
    return sorted(known, key=lambda each: (each["kind"], each["seed"]))


def _play(
    path: Path, env: str | None, options: DrillOptions, folder: Path, kind: str, seed: int
) -> dict[str, Any]:
    begun = folder / "identity"
    identity = _identity(path, env, options)
    if not begun.exists() or begun.read_text(encoding="utf-8") != identity:
        shutil.rmtree(folder, ignore_errors=True)
        make_checkout(path, folder)
        begun.write_text(identity, encoding="utf-8")
    first = date.fromisoformat(Project(folder, env).configuration("globals")["as_of"])
    shift = first + timedelta(days=options.shift_day)
    params = {"seed": seed, "shift": kind, "shift_day": shift.isoformat()}
    project = Project(folder, env, params)
    days = options.shift_day + options.days_after - 1
    with chdir(folder):
        ledger = SqliteLedger(Path(project.configuration("globals")["ledger"]))
        logger.info("drill: %s from %s, seed %s", kind, shift, seed)
        reports = list(play(project, PlayOptions(options.model, days, 0), ledger))
        found = judge_of(options.model).judge(project, reports, shift, kind, options.window)
    return {"model": options.model, "kind": kind, "seed": seed} | found


def _identity(path: Path, env: str | None, options: DrillOptions) -> str:
    files = sorted(each for each in (path / "conf").rglob("*.yml") if each.is_file())
    code = sorted(
        Path(ucu_mlops.__file__).parent.rglob("*.py")
    )  # another loop may answer otherwise
    return derived_id(env, options, *(each.read_text(encoding="utf-8") for each in (*files, *code)))


def _read_result(file: Path) -> dict[str, Any] | None:
    if not file.exists():
        return None
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def _write_result(file: Path, result: dict[str, Any]) -> None:
    """Write whole or not at all: a killed drill must not take half a result for one."""
    new = file.with_suffix(".new")
    new.write_text(json.dumps(result, indent=2), encoding="utf-8")
    new.replace(file)
