"""``kedro vertex``: what would run on Vertex AI, as a file, and that file executed here."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import click
from kedro.framework.context import KedroContext

from ucu_mlops.cli.run import in_one_line
from ucu_mlops.errors import ConfigurationError
from ucu_mlops.loop.checkout import make_checkout

ENV = click.option("--env", default=None, help="Configuration environment (default: the desk).")
PIPELINE = click.option("--pipeline", required=True, help="A registered pipeline.")
FILE = click.Path(path_type=Path)


def _named(
    _context: click.Context, _option: click.Parameter, given: tuple[str, ...]
) -> dict[str, str]:
    """Cut NAME=VALUE at the first equals sign; the value stays as it is, whatever is in it."""
    named = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"must be NAME=VALUE, got {each!r}")
        named[name] = value
    return named


PARAMS = click.option(
    "--params", multiple=True, callback=_named, help="NAME=VALUE, verbatim; repeat it for more."
)


@click.group()
def vertex() -> None:
    """Compile pipelines for Vertex AI, look at what would run, run it here."""


@vertex.command("compile")
@PIPELINE
@click.option("--output", required=True, type=FILE, help="The file; it is replaced.")
@ENV
@in_one_line
def compile_command(pipeline: str, output: Path, env: str | None) -> None:
    """Write what Vertex AI would run into a file; offline, without credentials."""
    with _context(env) as context:
        from ucu_mlops.adapters.vertex.compile import compile_pipeline  # noqa: PLC0415 (start-up)

        text = compile_pipeline(context, pipeline)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(text, encoding="utf-8")
    click.echo(f"compiled {pipeline} into {output}")


@vertex.command("plan")
@PIPELINE
@PARAMS
@ENV
@in_one_line
def plan_command(pipeline: str, params: dict[str, str], env: str | None) -> None:
    """Show what would run and what it costs; refuse what cannot work."""
    with _context(env) as context:
        from ucu_mlops.adapters.vertex.preflight import plan  # noqa: PLC0415 (start-up time)

        planned = plan(context, pipeline, params)
    for line in planned.lines():
        click.echo(line)
    if planned.problems:
        raise click.ClickException(
            "cannot work: " + "\nError: cannot work: ".join(planned.problems)
        )


@vertex.command("run-local")
@click.argument("file", type=FILE)
@PARAMS
@click.option("--work", type=FILE, help="Folder that keeps the tasks' folders and logs.")
@in_one_line
def run_local_command(file: Path, params: dict[str, str], work: Path | None) -> None:
    """Execute a compiled FILE on this machine, each task in a process and folder of its own."""
    from ucu_mlops.adapters.vertex.executor import Executor  # noqa: PLC0415 (start-up time)
    from ucu_mlops.adapters.vertex.specification import (  # noqa: PLC0415
        check_parameters,
        read_specification,
    )

    specification = read_specification(file)
    given = check_parameters(specification, params)
    root, folder = Path.cwd(), work or Path(mkdtemp(prefix="vertex-"))

    def image(place: Path) -> None:
        make_checkout(root, place, home=root)

    job = f"{specification.name}-{datetime.now(UTC):%Y%m%d%H%M%S}"
    Executor(specification, image, folder.absolute(), job, click.echo).run(given)
    if work is None:
        shutil.rmtree(folder)


@contextmanager
def _context(env: str | None) -> Iterator[KedroContext]:
    """Open the project in an environment, with none of the plugins' hooks.

    Raises:
        ConfigurationError: kedro-vertexai is not installed.
    """
    if find_spec("kedro_vertexai") is None:
        raise ConfigurationError("kedro-vertexai is not installed; run make install-gcp")
    from ucu_mlops.adapters.vertex.session import open_session  # noqa: PLC0415 (start-up time)

    nothing: dict[str, Any] = {}
    with open_session(Path.cwd(), env, nothing) as session:
        yield session.load_context()
