"""The compiled file decides what runs, after what, with what, how often and how long."""

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ucu_mlops.adapters.vertex.executor import Executor
from ucu_mlops.adapters.vertex.specification import read_specification
from ucu_mlops.errors import TaskError

TEXT = {"parameterType": "STRING", "isOptional": True}
SCHEDULED = datetime(2026, 4, 2, 6, 30, tzinfo=UTC)
NASTY = [
    "it's",
    'say "hi"',
    "two words",
    "two\nlines",
    "$(touch pwned)",
    "`id`",
    "a;b|c&d",
    "",
    "ж\0",
]


def python(code: str, *arguments: str) -> list[str]:
    """Return a command that runs ``code`` in the interpreter that the tests run in."""
    return ["python", "-c", code, *arguments]


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., list[str]]:
    """Return what executes a compiled file and gives the lines it told."""

    def execute(file: Path, params: dict[str, str] | None = None) -> list[str]:
        told: list[str] = []

        def image(folder: Path) -> None:
            (folder / "from_image").write_text("here")

        work = tmp_path / "work"
        specification = read_specification(file)
        executor = Executor(specification, image, work, "job-1", SCHEDULED, told.append)
        executor.run(params or {})
        return told

    return execute


def test_a_task_runs_after_those_it_needs(compiled, run, tmp_path):
    """The order is that of the dependencies, not of the names or of the file."""
    trace = tmp_path / "trace"
    write = f"import sys; print(sys.argv[1], file=open({str(trace)!r}, 'a'))"
    file = compiled(
        a={"command": python(write, "a"), "after": ["b"]},
        b={"command": python(write, "b"), "after": ["c"]},
        c={"command": python(write, "c")},
    )
    run(file)
    assert trace.read_text().split() == ["c", "b", "a"]


def test_independent_tasks_run_side_by_side(compiled, run, tmp_path):
    """Each of two waits for what the other writes: one after the other they would time out."""
    wait = (
        "import pathlib, sys, time; own, other = map(pathlib.Path, sys.argv[1:]); own.touch()\n"
        "while not other.exists(): time.sleep(0.01)"
    )
    one, two = str(tmp_path / "one"), str(tmp_path / "two")
    file = compiled(
        a={"command": ["timeout", "60", *python(wait, one, two)]},
        b={"command": ["timeout", "60", *python(wait, two, one)]},
    )
    run(file)


def test_a_task_has_the_stated_environment_and_no_other(compiled, run, tmp_path, monkeypatch):
    """What the caller has set is not seen: what works here does not lean on this machine."""
    monkeypatch.setenv("SECRET_OF_THE_CALLER", "x")
    code = "import json, os; json.dump(dict(os.environ), open('seen', 'w'))"
    run(compiled(a={"command": python(code), "env": {"KEDRO_ENV": "gcp"}}))
    seen = json.loads((tmp_path / "work/a/attempt-1/seen").read_text())
    assert seen["KEDRO_ENV"] == "gcp"
    assert set(seen) <= {"KEDRO_ENV", "HOME", "PATH", "LC_CTYPE", "PWD", "SHLVL", "_"}


def test_each_task_has_a_folder_of_its_own_with_the_image(compiled, run, tmp_path):
    """A file that one task leaves lying about is not there for the next."""
    code = "import os, pathlib; print(sorted(os.listdir())); pathlib.Path('left').touch()"
    run(compiled(a={"command": python(code)}, b={"command": python(code), "after": ["a"]}))
    logs = [(tmp_path / f"work/{name}/attempt-1.log").read_text() for name in "ab"]
    assert logs == ["['from_image']\n"] * 2


@pytest.mark.parametrize("note", NASTY)
def test_a_process_gets_what_was_given(compiled, run, tmp_path, note):
    """No shell reads a parameter on its way into a process."""
    code = (
        "import json, sys; print(json.dumps(json.loads(sys.argv[1])['inputs']['parameterValues']))"
    )
    run(compiled({"note": TEXT}, a={"command": python(code, "{{$}}")}), {"note": note})
    assert json.loads((tmp_path / "work/a/attempt-1.log").read_text()) == {"note": note}
    assert not (tmp_path / "work/a/attempt-1/pwned").exists()


def test_a_failed_task_is_tried_again_as_often_as_stated(compiled, run, tmp_path):
    """It succeeds on the third attempt, which begins in a new folder."""
    code = (
        "import pathlib, sys; tries = pathlib.Path(sys.argv[1])\n"
        "assert not pathlib.Path('left').exists(); pathlib.Path('left').touch()\n"
        "tries.write_text((tries.read_text() if tries.exists() else '') + 'x')\n"
        "sys.exit(len(tries.read_text()) < 3)"
    )
    retry = {"maxRetryCount": 2, "backoffDuration": "0s"}
    told = run(compiled(a={"command": python(code, str(tmp_path / "tries")), "retry": retry}))
    assert [line.partition(",")[0] for line in told] == [
        "a: attempt 1",
        "a: attempt 2",
        "a: attempt 3",
        "a: done",
    ]


def test_a_task_that_fails_ends_the_run(compiled, run, tmp_path):
    """Those that need it do not start, the others do; the message has the log's last line."""
    touch = "import pathlib, sys; pathlib.Path(sys.argv[1]).touch()"
    file = compiled(
        bad={"command": python("import sys; sys.exit('the table is missing')")},
        needs_it={"command": python(touch, str(tmp_path / "started")), "after": ["bad"]},
        other={"command": python(touch, str(tmp_path / "other"))},
    )
    with pytest.raises(
        TaskError, match=r"task bad of example failed 1 times.*the table is missing"
    ):
        run(file)
    assert not (tmp_path / "started").exists()
    assert (tmp_path / "other").exists()


def test_a_task_is_stopped_by_its_time_out(compiled, run):
    """The time-out is part of the command that the file states, so it holds here too."""
    sleep = python("import time; time.sleep(600)")
    with pytest.raises(TaskError, match="by its time-out"):
        run(compiled(a={"command": ["timeout", "--kill-after=1", "1", *sleep]}))


def test_python_is_the_images(compiled, run, tmp_path):
    """`python` means the interpreter with this package, whatever the machine calls so."""
    run(compiled(a={"command": python("import sys; print(sys.prefix)")}))
    assert (tmp_path / "work/a/attempt-1.log").read_text().strip() == sys.prefix
