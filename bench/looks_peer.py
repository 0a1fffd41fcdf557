"""What most would write: the model from its folder, in bf16 on a GPU, called as it is."""

from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
import pandas as pd
import torch
from transformers import ViTForImageClassification

from bench.looks import SEED, THREADS

BATCH = 256
WARM, CALLS = 5, {True: 200, False: 30}  # by whether on a GPU
BATCH_CALLS = 20


def one_picture() -> np.ndarray:
    """Draw an input, shape ``(1, 3, 224, 224)``."""
    return np.random.default_rng(SEED).normal(size=(1, 3, 224, 224)).astype(np.float32)


def taken(cases: Mapping[str, Callable[[], object]]) -> pd.DataFrame:
    """Time calls: one row per ``case`` with the median ``seconds`` of one."""
    gpu = torch.cuda.is_available()
    rows = []
    for name, call in cases.items():
        calls = BATCH_CALLS if name == "batch" else CALLS[gpu]
        for _ in range(WARM):
            call()
        seconds = []
        for _ in range(calls):
            if gpu:
                torch.cuda.synchronize()
            begun = perf_counter()
            call()
            if gpu:
                torch.cuda.synchronize()
            seconds.append(perf_counter() - begun)
        rows.append((name, median(seconds)))
    return pd.DataFrame(rows, columns=["case", "seconds"])


@torch.inference_mode()
def gpu(folder: Path) -> pd.DataFrame:
    """Take one picture from host memory and back, and batches on the device."""
    network = ViTForImageClassification.from_pretrained(folder / "network", dtype=torch.bfloat16)
    network = network.cuda().eval()
    picture = torch.from_numpy(one_picture())
    batch = picture.cuda().bfloat16().expand(BATCH, -1, -1, -1).contiguous()

    def one() -> torch.Tensor:
        inputs = picture.cuda().bfloat16()
        return torch.sigmoid(network(pixel_values=inputs).logits).float().cpu()

    return taken({"one picture": one, "batch": lambda: network(pixel_values=batch).logits})


@torch.inference_mode()
def cpu(folder: Path) -> pd.DataFrame:
    """Look on two threads, in full precision."""
    torch.set_num_threads(THREADS)
    network = ViTForImageClassification.from_pretrained(folder / "network").eval()
    picture = torch.from_numpy(one_picture())
    return taken({"one picture": lambda: torch.sigmoid(network(pixel_values=picture).logits)})
