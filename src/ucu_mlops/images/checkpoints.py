"""Where training keeps its state, so that a killed run goes on to the same result."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

STATE = "training.safetensors"


@dataclass(frozen=True)
class TrainingState:
    """All that training needs to go on.

    Attributes:
        tensors: Weights, their average, the best so far, the optimizer's moments, by name.
        facts: What is no tensor: step, history, what the state belongs to; as JSON allows.
    """

    tensors: Mapping[str, Tensor]
    facts: Mapping[str, Any]


class CheckpointStore(Protocol):
    """Keeps the latest state of one training."""

    def save(self, state: TrainingState) -> None:
        """Replace the state in one move."""

    def load(self) -> TrainingState | None:
        """Read the latest state; None where there is none."""


class FolderCheckpoints:
    """Keeps the state as one file: safetensors, with the facts in its header.

    Args:
        folder: Where the file lies.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / STATE

    def save(self, state: TrainingState) -> None:
        """Write beside the file, then replace it: a crash leaves the old state or the new."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        beside = self._file.with_suffix(".part")
        tensors = {name: each.detach().cpu().contiguous() for name, each in state.tensors.items()}
        save_file(tensors, beside, metadata={"facts": json.dumps(dict(state.facts))})
        beside.replace(self._file)

    def load(self) -> TrainingState | None:
        """Read the latest state; None where there is none."""
        if not self._file.is_file():
            return None
        with safe_open(self._file, framework="pt") as file:
            facts = json.loads(file.metadata()["facts"])
            return TrainingState({name: file.get_tensor(name) for name in file.keys()}, facts)  # noqa: SIM118  # a file is no mapping
