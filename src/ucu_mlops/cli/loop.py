"""``kedro loop``: play the loop, whole or one day of it."""

import logging
from pathlib import Path

import click
from kedro.framework.cli.project import run as kedro_run

from ucu_mlops.cli.run import in_one_line

# A line per dataset is for single runs; here a line per day is progress.
CHATTY = ("kedro", "kedro_mlflow", "kedro_viz", "mlflow", "alembic", "ucu_mlops.pipelines")
# As for kedro run: --params=source_dir=DIR
PARAMS = next(option for option in kedro_run.params if option.name == "params")


@click.group()
def loop() -> None:
    """Play the loop: score, collect verdicts, watch, retrain, release."""


@loop.command("play")
@click.option("--env", default=None, help="Configuration environment (default: the desk).")
@in_one_line
def play_command(env: str | None) -> None:
    """Play a simulated platform's past and the days after it, and write the report."""
    from ucu_mlops.adapters.sqlite_ledger import SqliteLedger  # noqa: PLC0415 (start-up time)
    from ucu_mlops.loop.play import PlayOptions, play  # noqa: PLC0415
    from ucu_mlops.loop.project import Project  # noqa: PLC0415
    from ucu_mlops.loop.report import write_report  # noqa: PLC0415

    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.ERROR)
    project = Project(Path.cwd(), env)
    options = PlayOptions(**project.configuration("parameters")["loop"])
    ledger = SqliteLedger(Path(project.configuration("globals")["ledger"]))
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

    day = Period(as_of, as_of).as_of  # type: ignore[arg-type]  # parsed there
    click.echo(play_day(Project(Path.cwd(), env), model, day, simulated=simulated))


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

    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.ERROR)
    click.echo(run_wave(Project(Path.cwd(), env), params, (seeds, *more_seeds)))
