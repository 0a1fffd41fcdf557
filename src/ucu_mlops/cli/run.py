"""``kedro run``, ending in one clear line when something is wrong with the input."""

import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click
from kedro.framework.cli.project import run as kedro_run
from kedro.io import DatasetError
from kedro.utils import find_kedro_project
from kedro.validation.exceptions import ParameterValidationError
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from ucu_mlops.errors import UcuMlopsError

# Kedro's own words for bad input: a file that is not there, a parameter, a configuration file.
UNREADABLE = (YAMLError, OmegaConfBaseException)
KEDROS = (DatasetError, ParameterValidationError, *UNREADABLE)
CONF = Path("conf")


def in_one_line(command: Callable[..., Any]) -> Callable[..., Any]:
    """Run in the project's root, and turn errors about bad input into click's one-line errors."""

    @wraps(command)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        # Places in conf/ are relative to the root, wherever in the project one stands.
        os.chdir(find_kedro_project(Path.cwd()) or Path.cwd())
        _check_environment(kwargs.get("env"))
        try:
            return command(*args, **kwargs)
        except Exception as error:
            if (cause := _own_cause(error)) is not None:
                raise click.ClickException(f"{type(cause).__name__}: {cause}") from error
            if isinstance(error, KEDROS) or _is_kedros_refusal(error):
                found = _unreadable(kwargs.get("env")) if isinstance(error, UNREADABLE) else None
                said = " ".join((found or str(error)).split())
                raise click.ClickException(f"{type(error).__name__}: {said}") from error
            raise

    return guarded


def _own_cause(error: BaseException | None) -> UcuMlopsError | None:
    """Find the project's error that Kedro's errors were raised from."""
    while error is not None:
        if isinstance(error, UcuMlopsError):
            return error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return None


def _check_environment(env: str | None) -> None:
    """Refuse an environment without a folder: Kedro would run with half of a configuration."""
    if env is not None and CONF.is_dir() and not (CONF / env).is_dir():
        known = sorted(each.name for each in CONF.iterdir() if each.is_dir())
        raise click.ClickException(f"there is no environment {env!r} in {CONF}/; got {known}")


def _unreadable(env: str | None) -> str | None:
    """Name the first file of conf/ that holds no keys with values, and why: Kedro names none."""
    for folder in ("base", env or "local"):
        for path in sorted((CONF / folder).rglob("*.yml")):
            try:
                held = OmegaConf.load(path)
            except YAMLError as error:
                return str(error)
            if not isinstance(held, DictConfig):
                return f"{path} must hold keys with values, such as name: value; got a list"
    return None


def _is_kedros_refusal(error: Exception) -> bool:
    """Tell whether Kedro itself refuses a value: an unknown pipeline, a key in two files."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    raised_in = frame.tb_frame.f_globals.get("__name__", "") if frame else ""
    return isinstance(error, ValueError) and raised_in.startswith("kedro.")


@in_one_line
def _run(pipeline: str | None, pipelines: list[str], **given: Any) -> Any:
    """Run; ``--pipeline`` is short for ``--pipelines``, of which Kedro warns that it is old."""
    if pipeline and not pipelines:
        pipelines, pipeline = [pipeline], None
    # kedro's run has a callback
    return kedro_run.callback(pipeline=pipeline, pipelines=pipelines, **given)  # type: ignore[misc]


run = click.Command(name="run", params=kedro_run.params, help=kedro_run.help, callback=_run)
