"""``kedro loop``: play the loop, whole or one day of it."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click
from kedro.framework.cli.project import run as kedro_run

from ucu_mlops.cli.run import in_one_line
from ucu_mlops.errors import ConfigurationError
from ucu_mlops.simulation.options import SHIFTS

Options = TypeVar("Options")

# A line per dataset is for single runs; here a line per day is progress.
CHATTY = ("kedro", "kedro_mlflow", "kedro_viz", "mlflow", "alembic", "ucu_mlops.pipelines")
# As for kedro run: --params=source_dir=DIR
PARAMS = next(option for option in kedro_run.params if option.name == "params")

SEED = click.IntRange(min=0)


def _options(
    kind: Callable[..., Options], parameters: Mapping[str, Any], name: str, given: dict[str, Any]
) -> Options:
    """Build options from a key of the parameters and what the command line gives."""
    try:
        return kind(**{**parameters[name], **given})
    except TypeError as error:
        raise ConfigurationError(f"conf/*/parameters/loop.yml, {name}: {error}") from error


def _quieten() -> None:
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.ERROR)


@click.group()
def loop() -> None:
    """Play the loop: score, collect verdicts, watch, retrain, release."""


@loop.command("play")
@click.option("--env", default=None, help="Configuration environment (default: the desk).")
@in_one_line
def play_command(env: str | None) -> None:
    """Play a simulated platform's past and the days after it, and write the report."""
    from ucu_mlops.adapters.ledgers import open_ledger  # noqa: PLC0415 (start-up time)
    from ucu_mlops.loop.play import PlayOptions, play  # noqa: PLC0415
    from ucu_mlops.loop.project import Project  # noqa: PLC0415
    from ucu_mlops.loop.report import write_report  # noqa: PLC0415

    _quieten()
    project = Project(Path.cwd(), env)
    options = _options(PlayOptions, project.configuration("parameters"), "loop", {})
    ledger = open_ledger(str(project.configuration("globals")["ledger"]))
    days = list(play(project, options, ledger))
    click.echo(write_report(project, options.model, days))


@loop.command("day")
@click.argument("model")
@click.option("--as-of", required=True, help="The day, complete by now, such as 2026-04-01.")
@click.option("--simulated", is_flag=True, help="Let the simulated platform make the day first.")
@click.option("--env", default=None, help="Configuration environment (default: the desk).")
@in_one_line
def day_command(model: str, as_of: str, env: str | None, *, simulated: bool) -> None:
    """Score MODEL for a day, watch it, and do what the decision says."""
    from ucu_mlops.features.period import Period  # noqa: PLC0415 (start-up time)
    from ucu_mlops.loop.day import play_day  # noqa: PLC0415
    from ucu_mlops.loop.project import Project  # noqa: PLC0415
    from ucu_mlops.loop.triggers import trigger_of  # noqa: PLC0415

    day = Period(as_of, as_of).as_of  # type: ignore[arg-type]  # parsed there
    project = Project(Path.cwd(), env)
    click.echo(play_day(project, model, day, trigger_of(project), simulated=simulated))


@loop.command("drill")
@click.option("--model", default="scam", show_default=True, help="Whose loop is drilled.")
@click.option("--seeds", default=0, type=SEED, help="Seeds of the platform: --seeds 1 2 3.")
@click.argument("more_seeds", nargs=-1, type=SEED)
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    type=click.Choice([kind for kind in SHIFTS if kind != "none"]),
    help="Only this kind of shift (repeatable).",
)
@click.option("--shift-day", type=int, help="Day of the shift, counted after the past.")
@click.option("--env", default=None, help="Configuration environment (default: the model's own).")
@in_one_line
def drill_command(
    model: str,
    seeds: int,
    more_seeds: tuple[int, ...],
    kinds: tuple[str, ...],
    shift_day: int | None,
    env: str | None,
) -> None:
    """Play each kind of shift with each seed, and judge what the loop did about it."""
    from ucu_mlops.loop.drill import drill, known_plays  # noqa: PLC0415 (start-up time)
    from ucu_mlops.loop.drill_page import summary, write_drill  # noqa: PLC0415
    from ucu_mlops.loop.judges import JUDGES, judge_of  # noqa: PLC0415
    from ucu_mlops.loop.project import read_configuration  # noqa: PLC0415

    _quieten()
    here, given = Path.cwd(), {} if shift_day is None else {"shift_day": shift_day}
    judge = judge_of(model)
    drills = {
        each: _drill_of(here, each, env or own.env, given if each == model else {})
        for each, own in JUDGES.items()
    }
    places = read_configuration(here, env, "globals")
    chosen = drills[model]
    for play in drill(*chosen, kinds or judge.kinds, (seeds, *more_seeds)):
        # Plays of earlier calls, other models' too, stay in the report as long as they hold.
        plays = [each for one in drills.values() for each in known_plays(*one)]
        write_drill(plays, Path(places["data_root"]) / "08_reporting")
        click.echo(summary(play))


def _drill_of(
    here: Path, model: str, env: str | None, given: dict[str, Any]
) -> tuple[Path, str | None, Any]:
    """Name where, in which environment and how a model is drilled."""
    from ucu_mlops.loop.drill import DrillOptions  # noqa: PLC0415 (start-up time)
    from ucu_mlops.loop.project import read_configuration  # noqa: PLC0415

    configured = read_configuration(here, env, "parameters")["drill"]
    return here, env, _options(DrillOptions, configured, model, {"model": model, **given})


@loop.command("listen")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--port", default=9096, show_default=True, help="On which port.")
@click.option("--env", default=None, help="Configuration environment (default: the desk).")
@in_one_line
def listen_command(host: str, port: int, env: str | None) -> None:
    """Train what Alertmanager's webhook asks for (POST /alerts), one model after another."""
    from ucu_mlops.loop.listener import listen  # noqa: PLC0415 (start-up time)
    from ucu_mlops.loop.project import Project  # noqa: PLC0415

    listen(Project(Path.cwd(), env), host, port)


@loop.command("wave", params=[PARAMS])
@click.option("--seeds", default=0, type=int, help="Seeds of the split: --seeds 0 1 2.")
@click.argument("more_seeds", nargs=-1, type=int)
@click.option("--env", default=None, help="Environment of a labelled data set.")
@in_one_line
def wave_command(
    seeds: int, more_seeds: tuple[int, ...], env: str | None, params: dict[str, str]
) -> None:
    """Let a wave of new scams come over a champion that never saw any, on labelled accounts."""
    from ucu_mlops.loop.project import Project  # noqa: PLC0415 (start-up time)
    from ucu_mlops.loop.wave_page import run_wave  # noqa: PLC0415

    _quieten()
    click.echo(run_wave(Project(Path.cwd(), env), params, (seeds, *more_seeds)))
