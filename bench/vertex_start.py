"""``python -m bench.vertex_start``: process start to first node, ours against kedro-vertexai's.

Its tasks are two processes, one after the other: ``kedro vertexai initialize-job`` and
``kedro run``. Needs ``make install-gcp``; the goal is a third of its time.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from ucu_mlops.loop.checkout import make_checkout

REPETITIONS = 5
GOAL = 3.0
FIRST_NODE = "Loading data from"  # what a node begins with
NODE = "find_active_entities"
OURS = ("ucu_mlops.adapters.vertex.task", "--executor-input", "{}")
INITIALIZE = ("kedro", "vertexai", "-e", "test", "initialize-job", "--params={}")
RUN = ("kedro", "run", "-e", "test", "--pipeline", "features", "--nodes", NODE)


def seconds_to_first_node(folder: Path, *commands: Sequence[str]) -> float:
    """Run commands one after another; stop the last one when a node begins."""
    began = time.perf_counter()
    *before, last = [[sys.executable, "-m", *command] for command in commands]
    environment = {
        **os.environ,
        "KEDRO_ENV": "test",
        "UCU_PIPELINE": "features",
        "UCU_NODES": json.dumps([NODE]),
        "UCU_PLUGINS": "[]",
    }
    for command in before:
        subprocess.run(command, check=True, cwd=folder, env=environment, capture_output=True)  # noqa: S603
    with subprocess.Popen(  # noqa: S603
        last,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        lines = []
        for line in process.stdout or ():
            lines.append(line)
            if FIRST_NODE in line:
                break
        took = time.perf_counter() - began
        process.kill()
    if not lines or FIRST_NODE not in lines[-1]:
        raise SystemExit("".join(lines))
    return took


def main() -> None:
    """Measure both in turn and print the medians and their ratio."""
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        make_checkout(Path.cwd(), folder)
        pairs = [
            (seconds_to_first_node(folder, OURS), seconds_to_first_node(folder, INITIALIZE, RUN))
            for _ in range(REPETITIONS)
        ]
    ours, theirs = (median(times) for times in zip(*pairs, strict=True))
    ratio = theirs / ours
    print(f"ours {ours:.1f} s, kedro-vertexai {theirs:.1f} s: {ratio:.1f} times, goal {GOAL}")  # noqa: T201


if __name__ == "__main__":
    main()
