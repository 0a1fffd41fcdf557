"""What a container runs: some nodes of one pipeline, with parameters that never saw a shell.

``python -m ucu_mlops.adapters.vertex.task --executor-input {{$}}``: Vertex AI puts its own JSON in
place of ``{{$}}``, as one argument of the process. What is fixed stands in the environment.
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ucu_mlops.adapters.vertex.days import named_days
from ucu_mlops.adapters.vertex.session import open_session

COMMAND = ("python", "-m", "ucu_mlops.adapters.vertex.task")
INPUT, JOB, SCHEDULED = "--executor-input", "--job", "--scheduled"
ENVIRONMENT, PIPELINE = "KEDRO_ENV", "UCU_PIPELINE"
NODES, PLUGINS, DATES = "UCU_NODES", "UCU_PLUGINS", "UCU_DATES"  # JSON lists
# What kedro-vertexai's hook makes a tag of the MLflow run: containers of a job are found by it.
JOB_NAME = "KEDRO_CONFIG_JOB_NAME"


def read_arguments(arguments: Sequence[str]) -> tuple[dict[str, Any], str | None, str]:
    """Read what the container was given.

    Args:
        arguments: Those behind the command.

    Returns:
        The run-time parameters by name, the job's name, and when it was scheduled.
    """
    parser = argparse.ArgumentParser(prog=" ".join(COMMAND), allow_abbrev=False)
    parser.add_argument(INPUT, type=json.loads, required=True)
    parser.add_argument(JOB)
    parser.add_argument(SCHEDULED, default="")
    read = parser.parse_args(arguments)
    params = read.executor_input.get("inputs", {}).get("parameterValues", {})
    return params, read.job, read.scheduled


def run_nodes(path: Path, params: Mapping[str, Any], environment: Mapping[str, str]) -> None:
    """Run the nodes that the environment names.

    Args:
        path: Folder that holds ``pyproject.toml`` and ``conf/``.
        params: Run-time parameters.
        environment: ``KEDRO_ENV``, ``UCU_PIPELINE``, ``UCU_NODES`` and ``UCU_PLUGINS``.
    """
    plugins = json.loads(environment[PLUGINS])
    with open_session(path, environment[ENVIRONMENT], params, plugins) as session:
        session.run(
            pipeline_names=[environment[PIPELINE]], node_names=json.loads(environment[NODES])
        )


def main(arguments: Sequence[str]) -> None:
    """Run as a container does: in the folder that holds ``conf/``."""
    params, job, scheduled = read_arguments(arguments)
    params = named_days(params, json.loads(os.environ[DATES]), scheduled)
    if job:
        os.environ[JOB_NAME] = job
    run_nodes(Path.cwd(), params, os.environ)


if __name__ == "__main__":
    main(sys.argv[1:])
