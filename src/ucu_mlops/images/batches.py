"""Each step's batch, varied while the network learns from the one before."""

from collections import deque
from collections.abc import Callable, Iterator
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


class _Aside:
    """Makes batches beside the steps of a GPU, never more than two steps ahead of it.

    Args:
        device: The GPU.
        make: Makes a step's batch.
    """

    def __init__(self, device: torch.device, make: Callable[[int], Batch]) -> None:
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]  # torch's own gap
        self._make = make
        self._asked: torch.cuda.Event | None = None

    def __call__(self, step: int) -> Batch:
        """Make a batch, whole when this returns."""
        with torch.cuda.stream(self._stream):
            batch = self._make(step)
        self._stream.synchronize()
        return batch

    def hand_over(self, batch: Batch) -> None:
        """Give a batch to the step's stream, once the step before the last one is done."""
        current = torch.cuda.current_stream()
        for each in (batch.inputs, batch.labels, batch.tokens):
            if each is not None:
                each.record_stream(current)
        if self._asked:
            self._asked.synchronize()
        self._asked = torch.cuda.Event()  # type: ignore[no-untyped-call]
        self._asked.record(current)


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
        next batch, a quarter of the work, another one. On a GPU in a stream of its own, so that it
        does not queue behind the step.
        """
        make = self.make if self.device.type == "cpu" else _Aside(self.device, self.make)
        with ThreadPoolExecutor(1, thread_name_prefix="batches") as pool:
            coming = deque(pool.submit(make, step) for step in range(self.steps)[first:][:1])
            for step in range(first, self.steps):
                batch = coming.popleft().result()
                if step + 1 < self.steps:
                    coming.append(pool.submit(make, step + 1))
                if isinstance(make, _Aside):
                    make.hand_over(batch)
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
