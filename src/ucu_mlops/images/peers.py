"""Other processes that train the same network on other pictures of each batch."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, distributed
from torch.nn import Parameter


@dataclass(frozen=True)
class Peers:
    """How many processes train together, and which one this is.

    Attributes:
        rank: This process, from 0; the one that writes.
        count: All processes.
    """

    rank: int = 0
    count: int = 1

    def add_gradients(self, weights: Iterable[Parameter]) -> None:
        """Add up the gradients of all processes, after each has been through its own pictures.

        In one piece and after the backward pass: a process that had to go through its pictures in
        smaller parts, for want of memory, keeps nobody waiting half-way.
        """
        if self.count == 1:
            return
        gradients = [each.grad for each in weights if each.grad is not None]
        flat = torch.cat([each.flatten() for each in gradients])
        distributed.all_reduce(flat)
        _scatter(flat, gradients)

    def average(self, tensors: Iterable[Tensor]) -> None:
        """Average what each process measured for itself: running statistics, a loss."""
        kept = [each for each in tensors if each.is_floating_point()]
        if self.count == 1 or not kept:
            return
        flat = torch.cat([each.flatten() for each in kept])
        distributed.all_reduce(flat)
        _scatter(flat / self.count, kept)


ALONE = Peers()


def _scatter(flat: Tensor, tensors: list[Tensor]) -> None:
    """Write one long tensor back into its pieces."""
    with torch.no_grad():
        pieces = torch.split(flat, [each.numel() for each in tensors])
        for each, piece in zip(tensors, pieces, strict=True):
            each.copy_(piece.view_as(each))
