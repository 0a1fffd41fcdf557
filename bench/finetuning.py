"""From JPEG files to the end of three epochs, against the Hugging Face Trainer by the usual guide.

1280 by 960 pixels, ViT-B/16 at 224: we store the photographs once, small, then train; the Trainer's
workers decode them in each epoch. Both train in bf16, validate and keep a checkpoint after each.
Without a GPU a small ViT learns from few photographs, which says little, and the table says so.
"""

import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd

from bench.decoding import QUALITY, draw_photograph
from bench.harness import Contest, Data, Peer

EPOCHS, VALIDATION, SIDE = 3, 512, 224
DRAWN = 256  # photographs; the others are links to them: what a file costs stays the same
FILES, SMALL_FILES = 24_576, 96
GOAL = 4.0
SMALL = {"hidden_size": 96, "intermediate_size": 384, "num_hidden_layers": 2}
STRIPES = 16  # pixels of a stripe that half of the photographs show
NEEDED = ("PIL", "fsspec", "transformers", "accelerate", "torchvision")


def prepare(folder: Path, count: int, *, small: bool) -> None:
    """Store photographs, half of them with stripes to be learnt, and a network that knows nothing.

    Args:
        folder: Gets ``photographs/``, ``network/`` and ``labels.csv`` (``image_id``, ``file``,
            ``striped``, ``split``).
        count: Files to learn from.
        small: Whether a CPU must train the network.
    """
    import torch  # noqa: PLC0415 (the images extra may be missing)
    from transformers import ViTConfig, ViTForImageClassification  # noqa: PLC0415

    photographs = folder / "photographs"
    photographs.mkdir()
    validation = min(VALIDATION, count)
    drawn = min(DRAWN, validation)
    numbers = np.arange(count + validation)
    paths = [photographs / f"{number:06d}.jpg" for number in numbers]
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        list(pool.map(_draw, range(drawn), paths[:drawn]))
    for number in numbers[drawn:]:
        os.link(paths[number % drawn], paths[number])
    table = pd.DataFrame(
        {
            "image_id": [path.stem for path in paths],
            "file": [f"photographs/{path.name}" for path in paths],
            "striped": numbers % 2,
            "split": np.where(numbers < count, "train", "validation"),
        }
    )
    table.to_csv(folder / "labels.csv", index=False)
    torch.manual_seed(0)
    config = ViTConfig(**(SMALL if small else {}), num_labels=2)
    ViTForImageClassification(config).save_pretrained(folder / "network")


def _draw(number: int, path: Path) -> None:
    """Store a photograph; one with an odd number has stripes on it."""
    from PIL import Image  # noqa: PLC0415 (the images extra may be missing)

    pixels = draw_photograph(number)
    if number % 2:
        pixels[200:500, 300:700] = np.arange(400)[:, None] // STRIPES % 2 * 255
    Image.fromarray(pixels).save(path, quality=QUALITY)


def contests(scale: float) -> list[Contest]:
    """Fine-tune on 24,576 photographs, or without a GPU on 96, times ``scale``."""
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        print(f"fine-tuning: skipped, for {missing} are not installed")  # noqa: T201
        return []
    import torch  # noqa: PLC0415 (the images extra may be missing)

    small = not torch.cuda.is_available()
    count = max(round((SMALL_FILES if small else FILES) * scale), 32)
    where = "a small ViT on a CPU" if small else torch.cuda.get_device_name()
    return [
        Contest(
            name=f"fine-tuning {count:,} files, {where}",
            data=Data(f"finetuning_{count}_{small:d}", partial(prepare, count=count, small=small)),
            ours="bench.finetuning_ours:ours",
            peers=[Peer("Trainer", "bench.finetuning_peer:trainer", 1.0 if small else GOAL)],
            keys=["epoch"],
            limit_mb=None,
        )
    ]
