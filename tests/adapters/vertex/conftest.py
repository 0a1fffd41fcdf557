"""A compiled file as `kedro vertex compile` writes it, with tasks that a test chooses."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from ucu_mlops.adapters.vertex.specification import VERSION_LABEL, version_label


def stated(name: str, task: dict[str, Any]) -> dict[str, Any]:
    """Return a task of the specification's graph."""
    return {
        "componentRef": {"name": f"comp-{name}"},
        "dependentTasks": task.get("after", []),
        "inputs": {
            "parameters": {each: {"componentInputParameter": each} for each in task["takes"]}
        },
        "retryPolicy": task.get("retry", {}),
    }


@pytest.fixture
def compiled(tmp_path: Path) -> Callable[..., Path]:
    """Return what writes a compiled file of tasks: ``command``, ``after``, ``env``, ``retry``."""

    def write(parameters: dict[str, dict[str, Any]] | None = None, **tasks: Any) -> Path:
        for task in tasks.values():
            task.setdefault("takes", sorted(parameters or {}))
        job = {
            "displayName": "example",
            "labels": {VERSION_LABEL: version_label()},
            "pipelineSpec": {
                "components": {f"comp-{name}": {"executorLabel": f"exec-{name}"} for name in tasks},
                "deploymentSpec": {
                    "executors": {
                        f"exec-{name}": {
                            "container": {
                                "command": task["command"],
                                "env": [
                                    {"name": key, "value": value}
                                    for key, value in task.get("env", {}).items()
                                ],
                            }
                        }
                        for name, task in tasks.items()
                    }
                },
                "root": {
                    "dag": {"tasks": {name: stated(name, task) for name, task in tasks.items()}},
                    "inputDefinitions": {"parameters": parameters or {}},
                },
            },
        }
        path = tmp_path / "compiled.yml"
        path.write_text(yaml.safe_dump(job))
        return path

    return write
