"""Each step's batch, varied while the network learns from the one before."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ucu_mlops.images.augment import Batch, Stored, augment
from ucu_mlops.images.options import ImageModelOptions
from ucu_mlops.images.peers import Peers
from ucu_mlops.images.pictures import Pictures
from ucu_mlops.images.sampling import epoch_order


@dataclass(frozen=True)
class Batches:
    """What each step of a training sees; hangs on the step alone, so it can be made at any time.

    Attributes:
        pictures: To learn from.
        options: Everything that can be chosen.
        device: Where the batches are made.
        peers: The processes that share each batch.
    """

    pictures: Pictures
    options: ImageModelOptions
    device: torch.device
    peers: Peers

    @property
    def per_epoch(self) -> int:
        """Steps of an epoch."""
        chosen = self.options.finetuning
        return chosen.samples // (chosen.epochs * chosen.batch)

    @property
    def steps(self) -> int:
        """Steps of the whole training."""
        return self.per_epoch * self.options.finetuning.epochs

    def make(self, step: int) -> Batch:
        """Make a step's batch: this process' part of it."""
        chosen, peers = self.options.finetuning, self.peers
        epoch, within = divmod(step, self.per_epoch)
        order = epoch_order(self.pictures.weight, self.per_epoch * chosen.batch, chosen.seed, epoch)
        rows = order[within * chosen.batch : (within + 1) * chosen.batch][peers.rank :: peers.count]
        generator = torch.Generator(self.device)
        generator.manual_seed((chosen.seed * self.steps + step) * peers.count + peers.rank)
        return augment(self._stored(rows), self.options, generator)

    def ahead(self, first: int) -> Iterator[Batch]:
        """Give the batches from a step on, each made while the one before is in use.

        In a thread of its own: on a CPU the step keeps one core busy (``hardware.settle``), and the
        next batch, a quarter of the work, another one.
        """
        with ThreadPoolExecutor(1, thread_name_prefix="batches") as pool:
            coming = deque(pool.submit(self.make, step) for step in range(self.steps)[first:][:1])
            for step in range(first, self.steps):
                batch = coming.popleft().result()
                if step + 1 < self.steps:
                    coming.append(pool.submit(self.make, step + 1))
                yield batch

    def _stored(self, rows: NDArray[np.int64]) -> Stored:
        """Move some pictures to the device."""
        masks = self.pictures.masks
        return Stored(
            pixels=torch.from_numpy(self.pictures.pixels[rows]).to(self.device),
            boxes=torch.from_numpy(self.pictures.boxes[rows]).to(self.device),
            labels=torch.from_numpy(self.pictures.labels[rows]).to(self.device),
            masks=None if masks is None else torch.from_numpy(masks[rows]).to(self.device),
        )
