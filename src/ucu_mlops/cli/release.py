"""``kedro release``: which version is champion, since when and why; and how to change that."""

import getpass
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from ucu_mlops.cli.run import in_one_line
from ucu_mlops.errors import ConfigurationError, ReleaseError

ENV = click.option("--env", default=None, help="Configuration environment (default: the desk).")
WHO = click.option("--who", default=getpass.getuser, help="Who moves (default: you).")
WHY = click.option("--why", required=True, help="Why, in words; it is recorded.")


@click.group()
def release() -> None:
    """Look at the ledger of champions, or move it."""


@release.command()
@click.argument("model")
@ENV
@in_one_line
def status(model: str, env: str | None) -> None:
    """Show MODEL's champion and how it came to be, and mend the registry's aliases."""
    ledger, places = _stores(env)
    moves = ledger.moves(model)
    if not moves:
        click.echo(f"{model}: no champion yet; run kedro run --pipeline={model}_coldstart")
        return
    for before, move in zip([None, *moves], moves, strict=False):
        late = "" if before is None or move.at >= before.at else "  (the clock went back)"
        click.echo(
            f"{move.revision:>4}  {move.at:%Y-%m-%d %H:%M}  {move.kind:<10} "
            f"{move.from_version or '-'} -> {move.to_version}  by {move.who}: {move.why}{late}"
        )
    click.echo(f"champion of {model}: version {moves[-1].to_version}")
    for line in _reconciled(model, ledger, places):
        click.echo(line)


@release.command("rollback")
@click.argument("model")
@WHO
@WHY
@ENV
@in_one_line
def rollback_command(model: str, who: str, why: str, env: str | None) -> None:
    """Make the version before the champion of MODEL champion again."""
    from ucu_mlops.release.moves import rollback  # noqa: PLC0415 (start-up time)

    ledger, places = _stores(env)
    move = rollback(ledger, model, who, why, datetime.now(UTC), loads=_loads(places, model))
    click.echo(
        f"{model}: version {move.from_version} -> {move.to_version}, revision {move.revision}"
    )


@release.command("promote")
@click.argument("model")
@click.argument("version")
@WHO
@WHY
@ENV
@in_one_line
def promote_command(model: str, version: str, who: str, why: str, env: str | None) -> None:
    """Make VERSION of MODEL champion, whatever the gate said; it is recorded as an override."""
    from ucu_mlops.release.moves import override  # noqa: PLC0415 (start-up time)

    ledger, places = _stores(env)
    _loads(places, model)(version)
    head = ledger.head(model)
    move = override(ledger, model, version, who, why, datetime.now(UTC))
    if move == head:
        click.echo(f"{model}: version {version} is champion already, revision {move.revision}")
        return
    click.echo(
        f"{model}: version {move.from_version} -> {move.to_version}, revision {move.revision}"
    )


@release.command("deploy")
@click.argument("model")
@ENV
@in_one_line
def deploy_command(model: str, env: str | None) -> None:
    """Let MODEL's champion answer on Vertex AI, by steps; again goes on where it stopped."""
    if find_spec("kedro_vertexai") is None:
        raise ConfigurationError("Google's clients are not installed; run make install-gcp")
    from ucu_mlops.adapters.mlflow_registry import MlflowRegistry  # noqa: PLC0415 (start-up time)
    from ucu_mlops.adapters.vertex.deploying import Deployer  # noqa: PLC0415
    from ucu_mlops.adapters.vertex.endpoint_options import read_endpoint  # noqa: PLC0415
    from ucu_mlops.adapters.vertex.endpoints import ModelEndpoint  # noqa: PLC0415
    from ucu_mlops.adapters.vertex.jobs import asking  # noqa: PLC0415
    from ucu_mlops.adapters.vertex.options import read_options  # noqa: PLC0415
    from ucu_mlops.adapters.vertex.probes import Asker  # noqa: PLC0415
    from ucu_mlops.adapters.vertex.serving_models import ServingModels  # noqa: PLC0415
    from ucu_mlops.adapters.vertex_client import Vertex  # noqa: PLC0415
    from ucu_mlops.loop.project import read_configuration  # noqa: PLC0415

    options = read_endpoint(_endpoints(env), model)
    there = read_options(read_configuration(Path.cwd(), env, "vertexai"))
    vertex = Vertex(there.project_id, there.region)
    ledger, places = _stores(env)
    head = ledger.head(model)
    if head is None:
        raise ReleaseError(
            f"{model} has no champion yet; run kedro run --pipeline={model}_coldstart"
        )
    registry = MlflowRegistry(places["tracking_uri"], places["artifacts"])
    bundle = registry.fetch(model, head.to_version, Path(places["bundles"]))
    endpoint, serving = ModelEndpoint(vertex, model, options), ServingModels(vertex, model)
    click.echo(
        f"{model}: version {head.to_version}, revision {head.revision}, to endpoint {endpoint.id}:"
        f" {options.machine}, {options.replicas.least} to {options.replicas.most} machines"
    )
    with asking(f"take version {head.to_version} of {model}"):
        source = registry.source_of(model, head.to_version)
        version = serving.make(head.to_version, source, options)
    asker = Asker(vertex, endpoint.name, bundle, options.probe)
    Deployer(model, ledger, endpoint, serving, asker, click.echo).deploy(version, options.steps)
    click.echo(f"{model}: version {head.to_version} answers at endpoint {endpoint.id}")


def _endpoints(env: str | None) -> dict[str, Any]:
    from kedro.config import MissingConfigException  # noqa: PLC0415 (start-up time)

    from ucu_mlops.loop.project import read_configuration  # noqa: PLC0415

    try:
        return read_configuration(Path.cwd(), env, "endpoints")
    except MissingConfigException as error:
        raise ConfigurationError(
            f"conf/{env or 'base'} has no endpoints.yml; use --env=gcp"
        ) from error


def _told(move: Any) -> str:
    return (
        f"{move.model}: version {move.from_version} -> {move.to_version}, revision {move.revision}"
    )


def _stores(env: str | None) -> tuple[Any, dict[str, Any]]:
    """Open the ledger, and name the places of the bundles; nothing else, so that it is quick."""
    from ucu_mlops.adapters.ledgers import open_ledger  # noqa: PLC0415 (start-up time)
    from ucu_mlops.loop.project import read_configuration  # noqa: PLC0415

    places = read_configuration(Path.cwd(), env, "globals")
    return open_ledger(str(places["ledger"])), places


def _reconciled(model: str, ledger: Any, places: dict[str, Any]) -> list[str]:
    """Mend the registry's aliases by the ledger; say so where the registry cannot be reached."""
    from ucu_mlops.adapters.mlflow_registry import MlflowRegistry  # noqa: PLC0415 (start-up time)
    from ucu_mlops.datasets.reign import Reign  # noqa: PLC0415

    registry = MlflowRegistry(places["tracking_uri"], places["artifacts"])
    try:
        mended = Reign(model, registry, ledger, Path(places["bundles"])).reconcile()
    except ReleaseError as error:
        return [f"the registry's aliases could not be compared: {error}"]
    return [f"mended: {each}" for each in mended]


def _loads(places: dict[str, Any], model: str) -> Callable[[str], object]:
    """Return a check that a version can answer: a champion that does not load helps nobody.

    A version that is whole in the cache is taken from there; MLflow is asked for others only.
    """
    from ucu_mlops.adapters.mlflow_registry import MlflowRegistry  # noqa: PLC0415 (start-up time)
    from ucu_mlops.datasets.opening import open_version  # noqa: PLC0415

    registry = MlflowRegistry(places["tracking_uri"], places["artifacts"])
    bundles = Path(places["bundles"])
    return lambda version: open_version(registry.fetch(model, version, bundles))
