"""How much of a GPU a training step uses: ViT-B/16 at 224 pixels, against a plain matrix product.

::

    python -m bench.training_step

A step as training takes it (gradients, shortened, AdamW, average of the weights) on a batch that
lies on the device; its products count three times the forward pass's. Needs a GPU.
"""

from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import ViTConfig, ViTForImageClassification

from bench.harness import Figure, report
from ucu_mlops.images.augment import Batch
from ucu_mlops.images.finetune import learn
from ucu_mlops.images.hardware import compile_layers, settle
from ucu_mlops.images.network import look
from ucu_mlops.images.options import FinetuningOptions
from ucu_mlops.images.peers import ALONE
from ucu_mlops.images.reporter import LogReporter
from ucu_mlops.images.run_state import TrainingRun

BATCH, STEPS, WARM = 512, 10, 5
PRODUCT, SIDE, LABELS = 8192, 224, 3
SHARE = 0.5


def figures(repetitions: int, batch: int = BATCH) -> list[Figure]:
    """Measure steps and products in turn, or say that there is no GPU."""
    if not torch.cuda.is_available():
        print("training step: skipped, no GPU at hand")  # noqa: T201
        return []
    step, of_step = _step(batch)
    product, of_product = _product()
    for each in (step, product):
        _seconds(each, WARM)
    taken = [(_seconds(step, STEPS), _seconds(product, STEPS)) for _ in range(repetitions)]
    shares = [(of_step / ours) / (of_product / theirs) for ours, theirs in taken]
    ours, theirs = (median(each) for each in zip(*taken, strict=True))
    print(  # noqa: T201
        f"{batch / ours:,.0f} images/s, {of_step / ours / 1e12:.0f} TFLOP/s of "
        f"{of_product / theirs / 1e12:.0f}"
    )
    share = median(shares)
    return [
        Figure(
            name=f"training step, {torch.cuda.get_device_name()}",
            peer="a plain product's rate",
            ratio=share,
            memory_ratio=None,
            goal=SHARE,
            memory_goal=None,
            holds=share >= SHARE,
            spread=(min(shares), max(shares)),
            ours=ours,
            theirs=theirs,
        )
    ]


def _step(batch: int) -> tuple[Callable[[], None], float]:
    """Give a training's step, and how many operations its products take."""
    device = torch.device("cuda")
    network = ViTForImageClassification(ViTConfig(num_labels=LABELS))
    settle(network, device)
    inputs = torch.randn(batch, 3, SIDE, SIDE, device=device)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        look(network, inputs[:1])
    options = FinetuningOptions(samples=10**9, batch=batch)
    run = TrainingRun.begin(network, options)
    compile_layers(network)
    labels = torch.randint(0, 2, (batch, LABELS), device=device).float()
    given = Batch(inputs, labels, tokens=None)
    positive, reporter = torch.ones(LABELS, device=device), LogReporter()
    operations = 3.0 * counter.get_total_flops() * batch
    return lambda: learn(run, given, positive, options, reporter, ALONE, bf16=True), operations


def _product() -> tuple[Callable[[], None], float]:
    """Give a large product in bf16, and how many operations it takes."""
    left, right = torch.randn(2, PRODUCT, PRODUCT, device="cuda", dtype=torch.bfloat16)
    made = torch.empty_like(left)
    return lambda: torch.mm(left, right, out=made), 2.0 * PRODUCT**3


def _seconds(call: Callable[[], None], times: int) -> float:
    """Time a call, one after another without a pause."""
    torch.cuda.synchronize()
    begun = perf_counter()
    for _ in range(times):
        call()
    torch.cuda.synchronize()
    return (perf_counter() - begun) / times


def main() -> None:
    """Measure, print and write."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--batch", type=int, default=BATCH)
    parser.add_argument("--results", type=Path, default=Path(__file__).with_name("step.json"))
    asked = parser.parse_args()
    print(report(figures(asked.repetitions, asked.batch), asked.results))  # noqa: T201


if __name__ == "__main__":
    main()
