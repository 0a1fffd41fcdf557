"""Fine-tune a ViT for several labels at once: one visible loop, which can be killed at any step.

draw pictures → vary them on the device → loss → gradients → AdamW → average of the weights;
after each epoch: validate the average, keep the best, write a checkpoint
"""

import json
import time
import zlib
from dataclasses import asdict, dataclass

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_
from transformers import ViTForImageClassification

from ucu_mlops.errors import ConfigurationError, NotEnoughDataError
from ucu_mlops.images.augment import Batch
from ucu_mlops.images.batches import Batches
from ucu_mlops.images.checkpoints import CheckpointStore
from ucu_mlops.images.hardware import autocast, describe, pick_device, settle, use_bf16
from ucu_mlops.images.inference import first_looks, macro_average_precision
from ucu_mlops.images.losses import batch_loss, positive_weights
from ucu_mlops.images.network import label_names, look
from ucu_mlops.images.optimizer import LARGEST_GRADIENT, set_learning_rates
from ucu_mlops.images.options import FinetuningOptions, ImageModelOptions
from ucu_mlops.images.peers import ALONE, Peers
from ucu_mlops.images.pictures import Pictures, need_both_answers
from ucu_mlops.images.reporter import Reporter
from ucu_mlops.images.run_state import TrainingRun
from ucu_mlops.quality.hashing import derived_id

SECONDS_BETWEEN_REPORTS = 10.0


@dataclass(frozen=True)
class Finetuned:
    """What training made.

    Attributes:
        network: With the averaged weights of the epoch that validated best.
        history: Figures of each epoch: ``epoch``, ``loss``, ``score`` (macro average precision on
            the validation pictures, one look), ``learning_rate``, ``images_per_second``.
        stopped_early: Whether it ended because validation no longer improved.
        facts: Hardware, precision, the part of a batch that fitted the memory.
    """

    network: ViTForImageClassification
    history: tuple[dict[str, float], ...]
    stopped_early: bool
    facts: dict[str, str | int | bool]


def finetune(
    network: ViTForImageClassification,
    pictures: Pictures,
    validation: Pictures,
    options: ImageModelOptions,
    checkpoints: CheckpointStore,
    reporter: Reporter,
    peers: Peers = ALONE,
) -> Finetuned:
    """Train a network, or go on where an earlier, killed call stopped.

    Args:
        network: From ``build_network``; trained in place.
        pictures: To learn from; a picture comes as often as its weight says.
        validation: To choose the best epoch by.
        options: Everything that can be chosen.
        checkpoints: Where the state is kept.
        reporter: Who hears how it goes.
        peers: Other processes that share the work.

    Raises:
        NotEnoughDataError: No validation picture, or a label with only one answer.
        ConfigurationError: Not even one picture at a time fits the memory.
    """
    need_both_answers(pictures.labels, label_names(network))
    if not len(validation):
        raise NotEnoughDataError("no validation picture to choose the best epoch by; add a group")
    chosen, device = options.finetuning, pick_device(options.finetuning.device)
    bf16 = use_bf16(chosen.precision, device)
    settle(network, device)
    run = TrainingRun.begin(network, chosen)
    identity = _identity(pictures, label_names(network), options)
    _go_on(run, checkpoints, identity, reporter)
    positive = torch.from_numpy(positive_weights(pictures.labels, chosen.positive_weight))
    positive = positive.to(device)
    batches = Batches(pictures, options, device, peers)
    per_epoch, steps = batches.per_epoch, batches.steps
    clock = _Clock(run.step, steps, chosen.batch)

    for batch in batches.ahead(run.step):
        if run.stalled(chosen.patience):
            break
        epoch, within = divmod(run.step, per_epoch)
        rate = set_learning_rates(run.optimizer, run.step, steps, chosen)
        run.loss += _gradients(run, batch, positive, chosen, reporter, bf16=bf16)
        peers.add_gradients(network.parameters())
        clip_grad_norm_(network.parameters(), LARGEST_GRADIENT)
        run.optimizer.step()
        run.step += 1
        run.take_in(chosen.average)
        clock.tick(run.step, run.loss / (within + 1), reporter)

        if within + 1 == per_epoch:
            peers.average(network.buffers())
            peers.average(run.average.buffers())
            probabilities = first_looks(run.average, validation, options.preprocessing)
            score = macro_average_precision(probabilities, validation.labels)
            facts = {"epoch": epoch + 1.0, "loss": run.loss / per_epoch, "score": score}
            facts |= {"learning_rate": rate, "images_per_second": clock.images_per_second(run.step)}
            run.end_epoch(facts)
            reporter.epoch(facts)
        due = chosen.checkpoint_steps and run.step % chosen.checkpoint_steps == 0
        if peers.rank == 0 and (due or within + 1 == per_epoch):
            checkpoints.save(run.state(identity))

    run.average.load_state_dict(run.best)
    record = describe(device) | {"bf16": bf16, "part": run.part, "processes": peers.count}
    return Finetuned(run.average, tuple(run.history), run.step < steps, record)


def _gradients(
    run: TrainingRun,
    batch: Batch,
    positive: Tensor,
    options: FinetuningOptions,
    reporter: Reporter,
    *,
    bf16: bool,
) -> float:
    """Leave the batch's gradients in the network, and return its loss.

    A batch that does not fit the memory goes through it in halves, as often as needed; the
    gradients add up to the whole batch's.
    """
    while True:
        try:
            run.network.train()
            run.optimizer.zero_grad()
            total = 0.0
            for first in range(0, len(batch.inputs), run.part):
                part = batch.part(first, first + run.part)
                with autocast(run.network.device, bf16=bf16):
                    logits = look(run.network, part.inputs)
                loss = batch_loss(logits, part, positive, options)
                loss.backward()  # type: ignore[no-untyped-call]  # torch's own gap
                total += loss.item()
        except torch.OutOfMemoryError as error:
            if run.part == 1:
                raise ConfigurationError(
                    "not even one picture fits the device's memory; choose a smaller "
                    "images.model.preprocessing.side or images.model.network"
                ) from error
            run.part = (run.part + 1) // 2
            reporter.say(
                f"out of memory: {run.part} pictures at a time from here on; the optimizer still "
                f"steps every {options.batch}"
            )
        else:
            return total


def _identity(pictures: Pictures, labels: tuple[str, ...], options: ImageModelOptions) -> str:
    """Name a training by all that decides its result, so that none goes on from another's state."""
    content = zlib.crc32(pictures.pixels[:: max(len(pictures) // 100, 1)].tobytes())
    asked = zlib.crc32(pictures.labels.tobytes() + pictures.weight.tobytes())
    return derived_id(*labels, len(pictures), content, asked, json.dumps(asdict(options)))


def _go_on(
    run: TrainingRun, checkpoints: CheckpointStore, identity: str, reporter: Reporter
) -> None:
    """Take up the kept state, if it is this training's."""
    state = checkpoints.load()
    if state is None:
        return
    if state.facts["identity"] != identity:
        reporter.say("the kept state is of other pictures or options: training begins anew")
        return
    run.restore(state)
    reporter.say(f"training goes on after step {run.step}")


class _Clock:
    """Tells how fast training is, every few seconds."""

    def __init__(self, first: int, steps: int, batch: int) -> None:
        self._first, self._steps, self._batch = first, steps, batch
        self._begun = self._told = time.monotonic()

    def images_per_second(self, step: int) -> float:
        """Pictures a second since this call began."""
        return (step - self._first) * self._batch / (time.monotonic() - self._begun)

    def tick(self, step: int, loss: float, reporter: Reporter) -> None:
        """Hear of a step, and report if it is time to."""
        if time.monotonic() - self._told < SECONDS_BETWEEN_REPORTS:
            return
        self._told = time.monotonic()
        speed = self.images_per_second(step)
        reporter.progress(
            {
                "step": float(step),
                "steps": float(self._steps),
                "loss": loss,
                "images_per_second": speed,
                "seconds_left": (self._steps - step) * self._batch / speed,
            }
        )
