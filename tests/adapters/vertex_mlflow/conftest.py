"""The stand-in for Vertex AI, and MLflow's clients of both stores."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def stand_in() -> Iterator[Any]:
    """Vertex AI on loopback, empty, the only one that clients of this module reach."""
    from standins.vertex.server import StandIn  # noqa: PLC0415 (only where gcp is installed)

    serving = StandIn()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VERTEX_EMULATOR_HOST", serving.start())
        yield serving
    serving.stop()


@pytest.fixture(scope="module")
def vertex_uri(stand_in: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The stand-in's address for MLflow; artifacts lie in a folder, as no bucket is at hand."""
    folder = tmp_path_factory.mktemp("artifacts")
    return f"vertexai://my-project/europe-west1?artifacts={folder.as_uri()}"


@pytest.fixture(scope="module")
def sqlite_uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database of MLflow's own store."""
    folder: Path = tmp_path_factory.mktemp("sqlite")
    return f"sqlite:///{folder / 'mlflow.db'}"
