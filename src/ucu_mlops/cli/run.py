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
from yaml.parser import ParserError

from ucu_mlops.errors import UcuMlopsError

# Kedro's own words for bad input: a file that is not there, a parameter, a configuration file.
KEDROS = (DatasetError, ParameterValidationError, ParserError)


def in_one_line(command: Callable[..., Any]) -> Callable[..., Any]:
    """Run in the project's root, and turn errors about bad input into click's one-line errors."""

    @wraps(command)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        # Places in conf/ are relative to the root, wherever in the project one stands.
        os.chdir(find_kedro_project(Path.cwd()) or Path.cwd())
        try:
            return command(*args, **kwargs)
        except Exception as error:
            if (cause := _own_cause(error)) is not None:
                raise click.ClickException(f"{type(cause).__name__}: {cause}") from error
            if isinstance(error, KEDROS):
                said = " ".join(str(error).split())
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


run = click.Command(
    name="run",
    params=kedro_run.params,
    help=kedro_run.help,
    callback=in_one_line(kedro_run.callback),  # type: ignore[arg-type]  # kedro's run has one
)
