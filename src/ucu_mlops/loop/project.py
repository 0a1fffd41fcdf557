"""One Kedro project, from which many pipelines are run one after another in one process."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kedro.config import OmegaConfigLoader
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
from kedro.io import CatalogProtocol

from ucu_mlops.datasets import warehouse
from ucu_mlops.settings import CONFIG_LOADER_ARGS


@dataclass(frozen=True)
class Project:
    """A checkout and the environment it runs in.

    Attributes:
        path: Folder that holds ``pyproject.toml`` and ``conf/``.
        env: Name of the configuration environment; None is the desk.
        params: Run-time parameters of every run, as ``--params`` would pass them.
    """

    path: Path
    env: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        bootstrap_project(self.path)

    def run(self, pipeline: str, **params: str) -> None:
        """Run one registered pipeline.

        Args:
            pipeline: Its name.
            params: Run-time parameters, as ``--params`` would pass them.
        """
        with self._session(params) as session:
            session.run(pipeline_names=[pipeline])

    @contextmanager
    def catalog(self, **params: str) -> Iterator[CatalogProtocol[Any, Any]]:
        """Open the catalog to look at what the pipelines left; gives the warehouse back after."""
        with self._session(params) as session:
            try:
                yield session.load_context().catalog
            finally:
                warehouse.close_all()

    def configuration(self, key: str) -> dict[str, Any]:
        """Read one kind of configuration, such as ``parameters`` or ``globals``."""
        return read_configuration(self.path, self.env, key, self.params)

    @contextmanager
    def _session(self, params: dict[str, str]) -> Iterator[KedroSession]:
        session = KedroSession.create(
            project_path=self.path,
            env=self.env,
            runtime_params={**self.params, **params},
            save_on_close=False,
        )
        try:
            yield session
        finally:
            session.close()


def read_configuration(
    path: Path, env: str | None, key: str, given: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Read configuration without opening a session: for commands that must be quick.

    Args:
        path: Folder that holds ``conf/``.
        env: Name of the configuration environment; None is the desk.
        key: Kind of configuration, such as ``parameters`` or ``globals``.
        given: Run-time parameters, as of ``--params``.
    """
    loader = OmegaConfigLoader(
        str(path / "conf"), env=env, runtime_params=dict(given or {}), **CONFIG_LOADER_ARGS
    )
    return dict(loader[key])
