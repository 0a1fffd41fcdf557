"""A training under way: the network, the average of its weights, the best so far, the optimizer."""

import copy
from dataclasses import dataclass, field

import torch
from torch import Tensor
from transformers import ViTForImageClassification

from ucu_mlops.images.checkpoints import TrainingState
from ucu_mlops.images.optimizer import make_optimizer
from ucu_mlops.images.options import FinetuningOptions


@dataclass
class TrainingRun:
    """What changes from step to step.

    Attributes:
        network: Learns.
        average: The average of the network's weights over the last steps.
        optimizer: Changes the network.
        best: Weights of the average after the epoch that validated best; empty before.
        step: Steps done.
        loss: Sum over the epoch's steps so far, on the device.
        part: Pictures that fit the device's memory at once.
        history: Figures of each epoch.
    """

    network: ViTForImageClassification
    average: ViTForImageClassification
    optimizer: torch.optim.Optimizer
    best: dict[str, Tensor]
    step: int
    part: int
    loss: Tensor
    history: list[dict[str, float]] = field(default_factory=list)

    @classmethod
    def begin(cls, network: ViTForImageClassification, options: FinetuningOptions) -> "TrainingRun":
        """Begin with a network on its device."""
        average = copy.deepcopy(network).requires_grad_(requires_grad=False)
        optimizer = make_optimizer(network, options)
        loss = torch.zeros((), dtype=torch.float64, device=network.device)
        return cls(network, average, optimizer, best={}, step=0, part=options.batch, loss=loss)

    @torch.no_grad()
    def take_in(self, decay: float) -> None:
        """Move the average a little towards the network; faster at first."""
        decay = min(decay, (1 + self.step) / (10 + self.step))
        ours, theirs = self.average.state_dict(), self.network.state_dict()
        numbers = [name for name, each in ours.items() if each.is_floating_point()]
        torch._foreach_lerp_(  # one call for all weights; torch's own EMA uses it
            [ours[name] for name in numbers], [theirs[name] for name in numbers], 1 - decay
        )

    def end_epoch(self, facts: dict[str, float]) -> None:
        """Write down an epoch's figures, and keep the average if none validated better."""
        scores = [each["score"] for each in self.history]
        self.history.append(facts)
        self.loss = torch.zeros_like(self.loss)
        if not scores or facts["score"] > max(scores):
            self.best = {name: each.clone() for name, each in self.average.state_dict().items()}

    def stalled(self, patience: int) -> bool:
        """Tell whether the last epochs brought nothing."""
        scores = [each["score"] for each in self.history]
        return bool(scores) and len(scores) - 1 - scores.index(max(scores)) >= patience

    def state(self, identity: str) -> TrainingState:
        """Everything needed to go on, to be kept."""
        tensors = {f"network.{name}": each for name, each in self.network.state_dict().items()}
        tensors |= {f"average.{name}": each for name, each in self.average.state_dict().items()}
        tensors |= {f"best.{name}": each for name, each in self.best.items()}
        for index, moments in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{name}": each for name, each in moments.items()}
        facts = {"step": self.step, "part": self.part, "loss": float(self.loss)}
        return TrainingState(tensors, facts | {"history": self.history, "identity": identity})

    @torch.no_grad()
    def restore(self, state: TrainingState) -> None:
        """Go on from what was kept."""
        self.network.load_state_dict(_under(state, "network"))
        self.average.load_state_dict(_under(state, "average"))
        self.best = _under(state, "best")
        weights = [each for group in self.optimizer.param_groups for each in group["params"]]
        moments: dict[int, dict[str, Tensor]] = {}
        for name, each in _under(state, "optimizer").items():
            index, _, key = name.partition(".")
            weight = weights[int(index)]
            if each.shape == weight.shape:
                # Fused AdamW goes through memory in order: moments must lie as their weights do.
                each = torch.empty_like(weight).copy_(each)  # noqa: PLW2901  # the same numbers
            moments.setdefault(int(index), {})[key] = each
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": moments, "param_groups": groups})
        self.step, self.part = int(state.facts["step"]), int(state.facts["part"])
        self.loss = torch.full_like(self.loss, float(state.facts["loss"]))
        self.history = list(state.facts["history"])


def _under(state: TrainingState, prefix: str) -> dict[str, Tensor]:
    """Tensors whose name begins with a prefix, without it."""
    start = f"{prefix}."
    return {
        name.removeprefix(start): each
        for name, each in state.tensors.items()
        if name.startswith(start)
    }
