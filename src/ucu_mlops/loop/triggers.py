"""What starts a training that was decided on: the place says whether here or on Vertex AI."""

from collections.abc import Callable
from functools import cache
from typing import Any

import yaml

from ucu_mlops.errors import ConfigurationError
from ucu_mlops.loop.here import RunHere
from ucu_mlops.loop.project import Project
from ucu_mlops.release.trigger import Trigger


def trigger_of(project: Project) -> Trigger:
    """Return what ``trigger`` of the environment's ``globals.yml`` names: ``here`` or ``vertex``.

    Raises:
        ConfigurationError: It names neither, or what Vertex AI needs is not installed.
    """
    named = project.configuration("globals").get("trigger")
    known: dict[Any, Callable[[Project], Trigger]] = {"here": RunHere, "vertex": _on_vertex}
    if named not in known:
        raise ConfigurationError(
            f"conf/*/globals.yml: trigger must be one of {sorted(known)}, got {named!r}"
        )
    return known[named](project)


def _on_vertex(project: Project) -> Trigger:
    """Submit what ``kedro vertex compile`` would write, in the environment's own project."""
    try:
        from ucu_mlops.adapters.vertex.compile import (  # noqa: PLC0415 (an extra's packages)
            compile_pipeline,
        )
        from ucu_mlops.adapters.vertex.jobs import Jobs  # noqa: PLC0415
        from ucu_mlops.adapters.vertex.options import read_options  # noqa: PLC0415
        from ucu_mlops.adapters.vertex.session import open_session  # noqa: PLC0415
        from ucu_mlops.adapters.vertex.trigger import RunOnVertex  # noqa: PLC0415
        from ucu_mlops.adapters.vertex_client import Vertex  # noqa: PLC0415
    except ImportError as error:
        raise ConfigurationError(
            f"trigger: vertex needs {error.name}, which is not installed; run make install-gcp"
        ) from error

    @cache
    def compiled(pipeline: str) -> dict[str, Any]:
        with open_session(project.path, project.env, project.params) as session:
            job: dict[str, Any] = yaml.safe_load(compile_pipeline(session.load_context(), pipeline))
            return job

    options = read_options(project.configuration("vertexai"))
    return RunOnVertex(Jobs(Vertex(options.project_id, options.region)), compiled)
