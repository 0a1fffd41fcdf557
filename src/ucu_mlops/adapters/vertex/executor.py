"""Executes a compiled specification on this machine, as Vertex AI would on many.

Each attempt of a task is a process in a new folder with what the image holds, the environment that
the specification states and nothing of the caller's; what must outlive it, it has to save.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from ucu_mlops.adapters.vertex.specification import Specification, Task
from ucu_mlops.errors import TaskError

SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"


@dataclass
class Executor:
    """Runs the tasks of one compiled pipeline.

    Attributes:
        specification: What is run.
        image: Fills an empty folder with what the container's image would hold.
        work: Folder for the tasks' folders and logs.
        job: The job's name, which tasks may ask for.
        scheduled: When it was scheduled, which they may ask for, too.
        tell: Takes a line about each attempt.
    """

    specification: Specification
    image: Callable[[Path], None]
    work: Path
    job: str
    scheduled: datetime
    tell: Callable[[str], None]
    _running: set[int] = field(default_factory=set, init=False)

    def run(self, params: Mapping[str, Any]) -> None:
        """Run every task after those it waits for, and those that do not wait side by side.

        Args:
            params: The run's parameters, checked and typed.

        Raises:
            TaskError: A task failed in all of its attempts; those that need it were not started,
                the others were.
        """
        tasks = self.specification.tasks
        waiting = TopologicalSorter({name: task.after for name, task in tasks.items()})
        waiting.prepare()
        running: dict[Future[None], str] = {}
        failures: list[TaskError] = []
        with ThreadPoolExecutor(max_workers=len(tasks)) as threads, self._ending():
            while running or waiting.is_active():
                for name in sorted(waiting.get_ready()):
                    running[threads.submit(self._run, tasks[name], params)] = name
                if not running:
                    break
                for ended in wait(running, return_when=FIRST_COMPLETED).done:
                    name = running.pop(ended)
                    error = ended.exception()
                    if error is None:
                        waiting.done(name)
                    elif isinstance(error, TaskError):
                        failures.append(error)
                    else:
                        raise error
        if failures:
            raise failures[0]

    def _run(self, task: Task, params: Mapping[str, Any]) -> None:
        for attempt in range(1, task.retry.count + 2):
            folder = self.work / task.name / f"attempt-{attempt}"
            log = folder.with_suffix(".log")
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            self.image(folder)
            self.tell(f"{task.name}: attempt {attempt}, log in {log}")
            code = self._attempt(task, params, folder, log)
            if code == 0:
                self.tell(f"{task.name}: done")
                return
            if attempt <= task.retry.count:
                time.sleep(task.retry.wait_s(attempt))
        raise TaskError(
            f"task {task.name} of {self.specification.name} failed {task.retry.count + 1} times,"
            f" the last time {_meaning(code)}: {_last_line(log)!r}; see {log}"
        )

    def _attempt(self, task: Task, params: Mapping[str, Any], folder: Path, log: Path) -> int:
        # `python` is that of the image: here the one that runs this.
        path = f"{Path(sys.executable).parent}:{SYSTEM_PATH}"
        environment = {"HOME": str(folder), "PATH": path, **task.environment}
        with (
            log.open("wb") as output,
            subprocess.Popen(  # noqa: S603 (what the file states)
                task.arguments(params, self.job, self.scheduled.isoformat()),
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            ) as process,
        ):
            self._running.add(process.pid)
            try:
                return process.wait()
            finally:
                self._running.discard(process.pid)

    @contextmanager
    def _ending(self) -> Iterator[None]:
        """Stop what still runs when the caller is interrupted."""
        try:
            yield
        except BaseException:
            for pid in tuple(self._running):
                os.killpg(pid, signal.SIGTERM)
            raise


def _meaning(code: int) -> str:
    timed_out = 124  # of coreutils' timeout
    return "by its time-out" if code == timed_out else f"with exit code {code}"


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
