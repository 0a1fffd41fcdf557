"""``kedro features``: what is declared, what it means, as which SQL it runs; and publishing."""

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from ucu_mlops.cli.run import in_one_line

ENV = click.option("--env", default=None, help="Configuration environment (default: the desk).")
SOURCE_DIR = click.option(
    "--source-dir", default=None, help="Folder of an environment that reads files."
)


@click.group()
def features() -> None:
    """Look at the declared features, in words and as SQL; publish them to servers."""


@features.command("list")
@ENV
@in_one_line
def list_command(env: str | None) -> None:
    """List the groups, and how many of their features a model uses."""
    from ucu_mlops.features.words import list_groups  # noqa: PLC0415 (start-up time)

    declared, parameters = _declared(env)
    for line in list_groups(declared, _users(parameters)):
        click.echo(line)


@features.command()
@click.argument("name")
@ENV
@in_one_line
def show(name: str, env: str | None) -> None:
    """Say what NAME, a group or a feature, means and who uses it."""
    from ucu_mlops.features.words import show_feature, show_group  # noqa: PLC0415 (start-up time)

    declared, parameters = _declared(env)
    users = _users(parameters)
    if name in {each.name for group in declared.groups for each in group.features}:
        lines = show_feature(declared.feature(name), declared.group_of(name), users)
    else:
        lines = show_group(declared.group(name), declared, users)
    for line in lines:
        click.echo(line)


@features.command()
@click.option("--as-of", default=None, help="The day (default: the environment's).")
@ENV
@in_one_line
def publish(as_of: str | None, env: str | None) -> None:
    """Move a day's stored features to where servers look users up, for all of them at once."""
    from ucu_mlops.loop.project import Project  # noqa: PLC0415 (start-up time)

    project = Project(Path.cwd(), env)
    project.run("features_publishing", **({"as_of": as_of} if as_of else {}))
    click.echo(_published(env)[1])


@features.command()
@ENV
@in_one_line
def update(env: str | None) -> None:
    """Change single published values: a JSON object a line on standard input, all or none.

    {"entity_id": "u1", "moment": "2026-04-01T09:30:00Z", "features": {"messages_sent_1d": 3}}
    """
    from ucu_mlops.errors import OnlineFeaturesError  # noqa: PLC0415 (start-up time)
    from ucu_mlops.features.updates import read_updates  # noqa: PLC0415

    published, said = _published(env)
    if published is None:
        raise OnlineFeaturesError(said)
    updates = list(read_updates(sys.stdin, published))
    _online(env).update(updates)
    click.echo(f"{len(updates)} values are updated; {said}")


@features.command()
@click.argument("group", required=False)
@click.option("--dialect", type=click.Choice(["duckdb", "bigquery"]), default="duckdb")
@click.option("--as-of", default=None, help="The day (default: the environment's).")
@click.option("--start", default=None, help="First of several days (with --end).")
@click.option("--end", default=None, help="Last of several days (with --start).")
@click.option("--format", "form", type=click.Choice(["sql", "dataform"]), default="sql")
@click.option("--output", type=click.Path(path_type=Path), help="Folder of the Dataform project.")
@click.option("--project", default="your-project", help="Google Cloud project (Dataform).")
@click.option("--location", default="EU", help="BigQuery location (Dataform).")
@click.option("--dataset", default="features", help="Data set of the features (Dataform).")
@click.option("--sources", default="warehouse", help="Data set of the sources (Dataform).")
@SOURCE_DIR
@ENV
@in_one_line
def sql(**given: Any) -> None:
    """Print the SQL of GROUP for a day or several, or write all groups as a Dataform project.

    Where nobody says who is active, the rows are those of a table ``spine`` (entity_id, as_of).
    """
    if given["form"] == "dataform":
        if given["group"] is not None:
            raise click.UsageError("--format=dataform writes all groups; leave GROUP out")
        _write_dataform(given)
        return
    import ibis  # noqa: PLC0415 (start-up time)

    from ucu_mlops.features.compile import group_table  # noqa: PLC0415
    from ucu_mlops.features.dataform import SPINE  # noqa: PLC0415
    from ucu_mlops.features.population import ActiveOptions, active_entities  # noqa: PLC0415

    declared, parameters = _declared(given["env"])
    if given["group"] is None:
        raise click.UsageError("name a group: kedro features list shows them")
    group = declared.group(given["group"])
    days = _days(given, parameters["period"]["end"])
    tables = _source_tables(given["env"], given["source_dir"])
    population = ActiveOptions(**parameters["population"])
    spine = SPINE
    if population.source in declared.sources:
        spine = active_entities(population, declared, tables, days.start, days.end)
    table = group_table(group, declared, tables, spine)
    if given["dialect"] == "duckdb":
        click.echo("SET TimeZone = 'UTC';")  # else a day would begin when it does where this runs
    click.echo(str(ibis.to_sql(table, dialect=given["dialect"], pretty=True)) + ";")


def _days(given: Mapping[str, Any], default: Any) -> Any:
    from ucu_mlops.features.period import Period  # noqa: PLC0415 (start-up time)

    as_of, start, end = given["as_of"], given["start"], given["end"]
    if (start is None) != (end is None) or (as_of and start):
        raise click.UsageError("name one day with --as-of, or several with --start and --end")
    return Period(start, end) if start else Period(as_of or default, as_of or default)


def _write_dataform(given: Mapping[str, Any]) -> None:
    from ucu_mlops.features.dataform import Places, dataform_project  # noqa: PLC0415
    from ucu_mlops.features.population import ActiveOptions  # noqa: PLC0415

    folder = given["output"]
    if folder is None:
        raise click.UsageError("--format=dataform needs --output=FOLDER")
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise click.ClickException(f"{folder} is there and not empty; name a new folder")
    declared, parameters = _declared(given["env"])
    places = Places(
        **{key: given[key] for key in ("project", "location", "dataset", "sources")},
        start=str(parameters["recent"]["start"]),
    )
    files = dataform_project(
        declared,
        _source_tables(given["env"], given["source_dir"]),
        ActiveOptions(**parameters["population"]),
        places,
    )
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    click.echo(f"{len(files)} files in {folder}; dataform compile {folder} checks them")


def _online(env: str | None) -> Any:
    from ucu_mlops.adapters.online_features import open_online  # noqa: PLC0415 (start-up time)
    from ucu_mlops.loop.project import read_configuration  # noqa: PLC0415

    return open_online(str(read_configuration(Path.cwd(), env, "globals")["online"]))


def _published(env: str | None) -> tuple[Any, str]:
    """Return what is published, and say so."""
    published = asyncio.run(_online(env).published())
    if published is None:
        return None, "nothing is published; run kedro features publish"
    return published, f"{len(published.features)} features of {published.as_of} are published"


def _declared(env: str | None) -> tuple[Any, dict[str, Any]]:
    """Read the declarations and the parameters, without starting Kedro."""
    from ucu_mlops.features.declarations import parse_declarations  # noqa: PLC0415
    from ucu_mlops.loop.project import read_configuration  # noqa: PLC0415

    here = Path.cwd()
    parameters = read_configuration(here, env, "parameters")
    return parse_declarations(read_configuration(here, env, "features")), parameters


def _users(parameters: Mapping[str, Any]) -> dict[str, list[str]]:
    return {name: each["features"] for name, each in parameters["training_set"].items()}


def _source_tables(env: str | None, source_dir: str | None) -> Any:
    """Return the source tables, in name only where the catalog says their columns."""
    import ibis  # noqa: PLC0415 (start-up time)
    from kedro.io import DataCatalog  # noqa: PLC0415

    from ucu_mlops.loop.project import read_configuration  # noqa: PLC0415

    given = {"source_dir": source_dir} if source_dir else {}
    entry = read_configuration(Path.cwd(), env, "catalog", given)["source_tables"]
    if "tables" in entry:
        return {
            name: ibis.table(each["columns"], name=name) for name, each in entry["tables"].items()
        }
    found = DataCatalog.from_config({"source_tables": entry}).load("source_tables")
    return {name: ibis.table(table.schema(), name=name) for name, table in found.items()}
