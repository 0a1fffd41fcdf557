"""``kedro experiments``: which run, what can be said of them, and variants turned off and on."""

import getpass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from ucu_mlops.cli.run import in_one_line
from ucu_mlops.errors import ConfigurationError

ENV = click.option("--env", default=None, help="Configuration environment (default: the desk).")
WHO = click.option("--who", default=getpass.getuser, help="Who turns (default: you).")
WHY = click.option("--why", required=True, help="Why, in words; it is recorded.")
VARIANT = click.argument("variant", required=False)


@click.group()
def experiments() -> None:
    """Look at the experiments on live traffic; turn their variants off and on."""


@experiments.command("list")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="The day (default: today, UTC).")
@ENV
@in_one_line
def list_command(as_of: datetime | None, env: str | None) -> None:
    """List what is configured: variants, who takes part today, and what is turned off."""
    day = as_of.date() if as_of else datetime.now(UTC).date()
    configured, turned = _configured(env), _switches(env).turned()
    if not configured:
        click.echo("no experiments are configured; docs/experiments.md says how")
    last = {(each.experiment, each.variant): each for each in turned}
    for each in configured.values():
        kind = "shadow" if each.shadow else "split"
        until = f" until {each.ends}" if each.ends else ""
        click.echo(
            f"{each.name}: {kind} of {each.model}, {each.exposure(day):.0%} take part{until}"
        )
        for variant, version in each.variants.items():
            turn, state = last.get((each.name, variant)), "on"
            if turn is not None and not turn.on:
                state = f"off since {turn.at:%Y-%m-%d %H:%M} by {turn.who}: {turn.why}"
            click.echo(f"  {variant:<16} {version:<10} {each.shares[variant]:>5.0%}  {state}")


@experiments.command()
@click.argument("name")
@click.option(
    "--as-of", default=None, help="The last day that counts (default: the environment's)."
)
@ENV
@in_one_line
def analyse(name: str, as_of: str | None, env: str | None) -> None:
    """Say what can be said of experiment NAME by a day, and turn off what costs too much.

    Brings what servers answered into the warehouse first, and judges all experiments of the model.
    """
    from ucu_mlops.loop.project import Project  # noqa: PLC0415 (start-up time)

    model = _known(_configured(env), name).model
    project, given = Project(Path.cwd(), env), {"as_of": as_of} if as_of else {}
    for pipeline in (f"{model}_requests", f"{model}_experiments"):
        project.run(pipeline, **given)
    with project.catalog(**given) as catalog:
        reports = [
            each for each in catalog.load(f"{model}.experiments") if each["experiment"] == name
        ]
    for each in reports:
        since = f" since {each['since']}" if each["since"] else ""
        reasons = "; ".join(each["reasons"])
        click.echo(
            f"{each['variant']} (version {each['version']}): {each['verdict']}{since}: {reasons}"
        )
    if not reports:
        click.echo(f"{name} has not begun by then, or nobody was asked for in it")


@experiments.command()
@click.argument("name")
@VARIANT
@WHO
@WHY
@ENV
@in_one_line
def stop(name: str, variant: str | None, who: str, why: str, env: str | None) -> None:
    """Turn VARIANT of experiment NAME off (default: all but the control)."""
    _turn(name, variant, who, why, env, on=False)


@experiments.command()
@click.argument("name")
@VARIANT
@WHO
@WHY
@ENV
@in_one_line
def resume(name: str, variant: str | None, who: str, why: str, env: str | None) -> None:
    """Turn VARIANT of experiment NAME on again (default: all but the control)."""
    _turn(name, variant, who, why, env, on=True)


def _turn(name: str, variant: str | None, who: str, why: str, env: str | None, *, on: bool) -> None:
    from ucu_mlops.experiments.switches import Switch  # noqa: PLC0415 (start-up time)

    configured, switches = _configured(env), _switches(env)
    known = _known(configured, name).challengers
    if variant is not None and variant not in known:
        raise ConfigurationError(f"{name} has no variant {variant!r} to turn; it has {[*known]}")
    for each in [variant] if variant else known:
        turned = switches.turn(Switch(name, each, on, who, why, datetime.now(UTC)))
        state = "on" if on else "off"
        click.echo(f"{name}: {each} is {state}" + ("" if turned else " already"))


def _known(configured: dict[str, Any], name: str) -> Any:
    if name not in configured:
        raise ConfigurationError(f"there is no experiment {name!r}; there are {sorted(configured)}")
    return configured[name]


def _configured(env: str | None) -> dict[str, Any]:
    from ucu_mlops.experiments.definition import parse_experiments  # noqa: PLC0415 (start-up time)
    from ucu_mlops.loop.project import read_configuration  # noqa: PLC0415

    return parse_experiments(read_configuration(Path.cwd(), env, "parameters")["experiments"])


def _switches(env: str | None) -> Any:
    from ucu_mlops.adapters.sqlite_switches import SqliteSwitches  # noqa: PLC0415 (start-up time)
    from ucu_mlops.loop.project import read_configuration  # noqa: PLC0415

    ledger = str(read_configuration(Path.cwd(), env, "globals")["ledger"])
    if "://" in ledger:
        raise ConfigurationError(
            f"experiments run on own hosts, whose ledger is a file; {ledger} is none"
        )
    return SqliteSwitches(ledger)
