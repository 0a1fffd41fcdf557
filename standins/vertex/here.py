"""Runs a submitted job on this machine, with the project's own executor of compiled files."""

import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import yaml

from standins.vertex.pipelines import Runner

LOOK_S = 0.2


class JobFailedError(Exception):
    """What the job's log ends with."""


def run_here(work: Path) -> Runner:
    """Return what runs jobs by ``kedro vertex run-local``, in the folder one stands in.

    Args:
        work: Folder that gets a folder for each job: its file, its tasks' folders, its log.
    """

    def run(job: dict[str, Any], stop: threading.Event) -> None:
        folder = work / job["name"].rpartition("/")[2]
        folder.mkdir(parents=True)
        file, log = folder / "job.yml", folder / "log"
        file.write_text(yaml.safe_dump(job), encoding="utf-8")
        given = job["runtimeConfig"].get("parameterValues", {})
        params = [f"--params={name}={value}" for name, value in given.items()]
        command = ["-m", "kedro", "vertex", "run-local", file, f"--work={folder / 'tasks'}"]
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 (this project's own command)
                [sys.executable, *command, *params],
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            while process.poll() is None:
                if stop.wait(LOOK_S):
                    # The executor ends its tasks when it is interrupted.
                    process.send_signal(signal.SIGINT)
                    process.wait()
        if process.returncode != 0 and not stop.is_set():
            raise JobFailedError(log.read_text(encoding="utf-8").strip().rpartition("\n")[2])

    return run
