"""One picture's latency and batches a second, against eager PyTorch; ViT-B/16 at 224 pixels.

::

    python -m bench.looks

On a GPU: both in bf16, ours with each layer compiled and all of it replayed as one graph; one
picture from host memory and back, batches on the device. On a CPU: one picture, ours through ONNX
Runtime as a bundle ships it (int8, and full precision), on two threads each.
"""

from argparse import ArgumentParser
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory, gettempdir

import pandas as pd
import torch

from bench.harness import Data, Figure, measure, prepared, report

LATENCY_GOAL, BATCH_GOAL, ONNX_GOAL = 1 / 0.15, 1.3, 2.5
THREADS = 2
SEED = 0


def prepare(folder: Path, *, gpu: bool) -> None:
    """Store a network that knows nothing, and what a bundle ships of it where a CPU uses that."""
    from transformers import ViTConfig, ViTForImageClassification  # noqa: PLC0415 (an extra)

    from ucu_mlops.images.export import to_int8, to_onnx  # noqa: PLC0415

    torch.manual_seed(SEED)
    network = ViTForImageClassification(ViTConfig(num_labels=3))
    network.save_pretrained(folder / "network")
    if not gpu:
        model = to_onnx(network)
        (folder / "fp32.onnx").write_bytes(model)
        (folder / "int8.onnx").write_bytes(to_int8(model))


def figures(root: Path, repetitions: int) -> list[Figure]:
    """Measure each contestant in processes of its own, in turn.

    Args:
        root: Where the network is, or will be.
        repetitions: How often.
    """
    gpu = torch.cuda.is_available()
    place = "gpu" if gpu else "cpu"
    folder = prepared(Data(f"looks_{place}", partial(prepare, gpu=gpu)), root)
    taken: dict[str, list[pd.Series]] = {"ours": [], "peer": []}
    with TemporaryDirectory() as results:
        for _ in range(repetitions):
            for who, each in taken.items():
                result = Path(results) / "result.parquet"
                measure(f"bench.looks_{who}:{place}", folder, result)
                each.append(pd.read_parquet(result).set_index("case")["seconds"])
    goals = {"one picture": LATENCY_GOAL, "batch": BATCH_GOAL}
    if not gpu:
        goals = {"one picture, int8": ONNX_GOAL, "one picture, fp32": 1.0}
    where = torch.cuda.get_device_name() if gpu else "CPU"
    return [_figure(f"{case}, {where}", case, goal, taken) for case, goal in goals.items()]


def _figure(name: str, case: str, goal: float, taken: dict[str, list[pd.Series]]) -> Figure:
    theirs_of = case if case in taken["peer"][0] else "one picture"
    mine = [float(each[case]) for each in taken["ours"]]
    theirs = [float(each[theirs_of]) for each in taken["peer"]]
    ratio = median(theirs) / median(mine)
    each_time = [b / a for a, b in zip(mine, theirs, strict=True)]
    return Figure(
        name=name,
        peer="eager PyTorch",
        ratio=ratio,
        memory_ratio=None,
        goal=goal,
        memory_goal=None,
        holds=ratio >= goal,
        spread=(min(each_time), max(each_time)),
        ours=median(mine),
        theirs=median(theirs),
    )


def main() -> None:
    """Measure, print and write."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--data", type=Path, default=Path(gettempdir()) / "ucu-mlops-bench")
    parser.add_argument("--results", type=Path, default=Path(__file__).with_name("looks.json"))
    asked = parser.parse_args()
    print(report(figures(asked.data, asked.repetitions), asked.results))  # noqa: T201


if __name__ == "__main__":
    main()
