"""A Kedro session that loads only the plugins that it is asked for.

Kedro imports the hooks of every installed plugin before the first node, which takes longer than
many a task; a setting can only forget them after they were imported.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from kedro.framework.session import KedroSession
from kedro.framework.session import session as kedros_own
from kedro.framework.startup import bootstrap_project
from pluggy import PluginManager

HOOKS = "kedro.hooks"
REGISTER = "_register_hooks_entry_points"  # Kedro offers no other way in


@contextmanager
def open_session(
    path: Path,
    env: str | None,
    params: Mapping[str, Any],
    plugins: Sequence[str] = (),
) -> Iterator[KedroSession]:
    """Open a session on a project.

    Args:
        path: Folder that holds ``pyproject.toml`` and ``conf/``.
        env: Name of the configuration environment; None is the desk.
        params: Run-time parameters.
        plugins: Distributions whose hooks are registered, of which the last is asked first; those
            of others are not imported.
    """

    def register_chosen(manager: PluginManager, _disabled: Collection[str]) -> None:
        hooks = entry_points(group=HOOKS)
        for plugin in plugins:
            for each in hooks:
                if each.dist is not None and _normal(each.dist.name) == plugin:
                    manager.register(each.load(), name=each.name)

    bootstrap_project(path)
    registers_all = getattr(kedros_own, REGISTER)
    setattr(kedros_own, REGISTER, register_chosen)
    try:
        session = KedroSession.create(
            project_path=path, env=env, runtime_params=dict(params), save_on_close=False
        )
    finally:
        setattr(kedros_own, REGISTER, registers_all)
    try:
        yield session
    finally:
        session.close()


def _normal(name: str) -> str:
    return name.lower().replace("_", "-")
