"""What this project adds to the ``kedro`` command."""

import click

from ucu_mlops.cli.experiments import experiments
from ucu_mlops.cli.features import features
from ucu_mlops.cli.loop import loop
from ucu_mlops.cli.release import release
from ucu_mlops.cli.run import run
from ucu_mlops.cli.vertex import vertex


@click.group(name="ucu_mlops")
def cli() -> None:
    """Commands of this project."""


cli.add_command(run)
cli.add_command(experiments)
cli.add_command(features)
cli.add_command(loop)
cli.add_command(release)
cli.add_command(vertex)


def main() -> None:
    """Run the project's own commands, without the plugins that ``kedro`` loads first."""
    cli()
