"""``kedro vertex``: what would run on Vertex AI, as a file; that file executed here or there."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import click
import yaml
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
    """Compile pipelines for Vertex AI, look at what would run, run it here or there."""


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

    now = datetime.now(UTC)
    job = f"{specification.name}-{now:%Y%m%d%H%M%S}"
    Executor(specification, image, folder.absolute(), job, now, click.echo).run(given)
    if work is None:
        shutil.rmtree(folder)


@vertex.command("submit")
@click.argument("file", type=FILE)
@PARAMS
@click.option("--job", help="ID of the job; asking twice for one starts it once (default: new).")
@click.option("--wait", is_flag=True, help="Wait for its end; exit code 0 only if it succeeds.")
@ENV
@in_one_line
def submit_command(
    file: Path, params: dict[str, str], job: str | None, env: str | None, *, wait: bool
) -> None:
    """Run a compiled FILE on Vertex AI, in the project of the environment."""
    with _context(env) as context:
        from ucu_mlops.adapters.vertex.jobs import Jobs, start_id  # noqa: PLC0415 (start-up time)

        compiled, given = _read(file, params)
        second = f"{datetime.now(UTC):%Y%m%d%H%M%S}"
        jobs = Jobs(_vertex(context))
        made = jobs.submit(compiled, given, job or start_id(compiled["displayName"], second))
        click.echo(made.line())
        if wait:
            click.echo(jobs.wait(made.id).line())


@vertex.command("status")
@click.argument("job", required=False)
@click.option("--wait", is_flag=True, help="Wait for its end; exit code 0 only if it succeeds.")
@ENV
@in_one_line
def status_command(job: str | None, env: str | None, *, wait: bool) -> None:
    """Tell how JOB stands, or the jobs that were started last."""
    with _context(env) as context:
        from ucu_mlops.adapters.vertex.jobs import Jobs  # noqa: PLC0415 (start-up time)

        jobs = Jobs(_vertex(context))
        if job is None:
            for each in jobs.latest():
                click.echo(each.line())
            return
        click.echo((jobs.wait(job) if wait else jobs.known(job)).line())


@vertex.command("cancel")
@click.argument("job")
@ENV
@in_one_line
def cancel_command(job: str, env: str | None) -> None:
    """Ask for the end of JOB; one that has ended stays as it is."""
    with _context(env) as context:
        from ucu_mlops.adapters.vertex.jobs import Jobs  # noqa: PLC0415 (start-up time)

        click.echo(Jobs(_vertex(context)).cancel(job).line())


@vertex.command("schedule")
@click.argument("file", type=FILE)
@PARAMS
@click.option("--cron", required=True, help="When, such as 'TZ=UTC 30 6 * * *'.")
@click.option("--name", help="The schedule's name (default: the pipeline's).")
@ENV
@in_one_line
def schedule_command(
    file: Path, params: dict[str, str], cron: str, name: str | None, env: str | None
) -> None:
    """Run a compiled FILE again and again; replaces the schedule of the same name.

    --params=as_of=last-complete-day is, at each run, the last UTC day that was over.
    """
    with _context(env) as context:
        from ucu_mlops.adapters.vertex.schedules import Schedules  # noqa: PLC0415 (start-up time)

        compiled, given = _read(file, params)
        schedules = Schedules(_vertex(context))
        done = schedules.replace(compiled, given, cron, name or compiled["displayName"])
    click.echo(f"active: {done.name}")
    for each in done.retired:
        click.echo(f"retired: {each}")


@vertex.command("monitor")
@click.argument("model")
@click.option("--cron", default="TZ=UTC 30 6 * * *", show_default=True, help="Before noon UTC.")
@click.option("--apply", is_flag=True, help="Make what the plan says; without it, only tell.")
@ENV
@in_one_line
def monitor_command(model: str, cron: str, env: str | None, *, apply: bool) -> None:
    """Let Vertex Model Monitoring watch MODEL's champion by its own reference and thresholds."""
    with _context(env) as context:
        from ucu_mlops.adapters.vertex.monitor_plan import plan_monitor  # noqa: PLC0415 (start-up)
        from ucu_mlops.adapters.vertex.monitors import Monitors  # noqa: PLC0415
        from ucu_mlops.features.declarations import parse_declarations  # noqa: PLC0415

        loader = context.config_loader
        places, run = loader["globals"], loader["vertexai"]["run_config"]
        drift = _drift_of(model, loader["parameters"])
        there = _vertex(context)
        bundle = _champion(model, places)
        planned = plan_monitor(
            bundle.manifest,
            str(bundle.version),
            drift,
            places["warehouse"],
            groups=[each.name for each in parse_declarations(loader["features"]).groups],
            parent=there.parent,
            results=f"gs://{run['root']}/monitoring",
            cron=cron,
        )
        for line in planned.lines():
            click.echo(line)
        if not apply:
            click.echo("nothing was made; --apply makes it")
            return
        done = Monitors(there).watch(planned)
    click.echo(f"watching: {done.monitor}")
    click.echo(f"active: {done.schedule}")
    for each in done.retired:
        click.echo(f"retired: {each}")


def _drift_of(model: str, parameters: dict[str, Any]) -> Any:
    from ucu_mlops.monitoring.drift import DriftOptions  # noqa: PLC0415 (start-up time)

    known = parameters["drift"]
    if model not in known:
        raise ConfigurationError(f"there is no model {model!r}; known are {sorted(known)}")
    return DriftOptions(**known[model])


def _champion(model: str, places: dict[str, Any]) -> Any:
    from ucu_mlops.adapters.ledgers import open_ledger  # noqa: PLC0415 (start-up time)
    from ucu_mlops.adapters.mlflow_registry import MlflowRegistry  # noqa: PLC0415
    from ucu_mlops.datasets.reign import Reign  # noqa: PLC0415

    registry = MlflowRegistry(places["tracking_uri"], places["artifacts"])
    ledger = open_ledger(str(places["ledger"]))
    return Reign(model, registry, ledger, Path(places["bundles"])).champion()


def _read(file: Path, params: dict[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a compiled file, and what a run of it is given, checked before anything is sent."""
    from ucu_mlops.adapters.vertex.specification import (  # noqa: PLC0415 (start-up time)
        check_parameters,
        read_specification,
    )

    given = check_parameters(read_specification(file), params)
    return yaml.safe_load(file.read_text(encoding="utf-8")), given


def _vertex(context: KedroContext) -> Any:
    """Return Vertex AI in the project and region of the environment."""
    from ucu_mlops.adapters.vertex.options import read_options  # noqa: PLC0415 (start-up time)
    from ucu_mlops.adapters.vertex_client import Vertex  # noqa: PLC0415

    options = read_options(context.config_loader["vertexai"])
    return Vertex(options.project_id, options.region)


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
