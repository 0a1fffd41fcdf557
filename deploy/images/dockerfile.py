"""The Dockerfile, read as far as this project writes it: stages, what they copy, run and start."""

import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent


@dataclass
class Stage:
    """One FROM of the file.

    Attributes:
        name: What ``AS`` calls it.
        parent: The image or the stage it begins with.
        copies: What it takes from the checkout, and where to.
        takes: Stages that it copies from.
        runs: Its shell commands.
        user: Who runs what it starts.
        starts: ENTRYPOINT and CMD.
    """

    name: str
    parent: str
    copies: list[tuple[str, str]] = field(default_factory=list)
    takes: list[str] = field(default_factory=list)
    runs: list[list[str]] = field(default_factory=list)
    user: str = ""
    starts: list[str] = field(default_factory=list)


def read_stages(path: Path = HERE / "Dockerfile") -> dict[str, Stage]:
    """Return the stages by name, in the file's order.

    Raises:
        ValueError: An instruction is not one that is understood here.
    """
    text = re.sub(r"\\\n", " ", path.read_text(encoding="utf-8"))
    lines = [line.strip() for line in text.splitlines()]
    stages: dict[str, Stage] = {}
    stage = Stage("", "")
    for line in lines:
        word, _, rest = line.partition(" ")
        if word == "FROM":
            parent, name = rest.split(" AS ")
            stage = stages[name] = Stage(name, parent)
        elif line and not line.startswith("#"):
            _read(stage, word, rest)
    return stages


def lineage(stages: dict[str, Stage], name: str) -> list[Stage]:
    """Return a stage and those that it begins with, the first one first."""
    stage = stages[name]
    return [*(lineage(stages, stage.parent) if stage.parent in stages else []), stage]


def installs(stages: dict[str, Stage], name: str) -> list[str]:
    """Return what follows ``install.sh`` where an image's environment is made: VENV, extras."""
    taken = [each for stage in lineage(stages, name) for each in stage.takes]
    (run,) = [run for each in taken for run in stages[each].runs if "install.sh" in run[1]]
    return run[2:]


def _read(stage: Stage, word: str, rest: str) -> None:
    if word == "COPY":
        *sources, to = [each for each in rest.split() if not each.startswith("--chown")]
        if sources[0].startswith("--from="):
            stage.takes.append(sources[0].removeprefix("--from="))
        else:
            stage.copies.extend((each, to) for each in sources)
    elif word == "RUN":
        stage.runs.append(shlex.split(rest))
    elif word == "USER":
        stage.user = rest
    elif word in {"ENTRYPOINT", "CMD"}:
        stage.starts.extend(json.loads(rest))
    elif word not in {"ARG", "WORKDIR", "ENV"}:
        raise ValueError(f"Dockerfile: {word} is not understood by dockerfile.py")
