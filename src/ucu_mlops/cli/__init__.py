"""What this project adds to the ``kedro`` command."""

import click

from ucu_mlops.cli.features import features
from ucu_mlops.cli.loop import loop
from ucu_mlops.cli.release import release
from ucu_mlops.cli.run import run


@click.group(name="ucu_mlops")
def cli() -> None:
    """Commands of this project."""


cli.add_command(run)
cli.add_command(features)
cli.add_command(loop)
cli.add_command(release)


def main() -> None:
    """Run the project's own commands, without the plugins that ``kedro`` loads first."""
    cli()
