"""Draw pictures to train on, where real ones are few: what they show, and where, is known."""

import logging
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ucu_mlops.images.settings import FILE
from ucu_mlops.quality.checks import COUNT, COUNT_OR_NONE, Allowed, check_numbers

logger = logging.getLogger(__name__)

AT_ONCE = 100  # pictures a process draws before it says so
CELL = 8  # pixels of a stored picture per axis whose masks say one thing


@dataclass(frozen=True)
class DrawingOptions:
    """How many pictures are drawn to train on.

    Attributes:
        count: Pictures; 0 trains on real ones alone.
        share: Their share of what training is shown.
        processes: Processes that draw.
        seed: Another seed, other pictures.
    """

    count: int
    share: float
    processes: int
    seed: int

    def __post_init__(self) -> None:
        check_numbers(
            self,
            "images.drawn",
            FILE,
            count=COUNT_OR_NONE,
            share=Allowed(least=0, below=1),
            processes=COUNT,
            seed=COUNT_OR_NONE,
        )


def draw_training_pictures(
    labels: dict[str, Any], store: dict[str, Any], options: DrawingOptions
) -> dict[str, NDArray[Any]]:
    """Draw pictures of the labels that can be drawn, in several processes.

    A label that cannot be drawn is unknown in all of them.

    Args:
        labels: The labels, as configured.
        store: How real pictures are stored: drawn ones have the same size.
        options: How many.

    Returns:
        ``pixels`` (n, side, side, channels) uint8, ``boxes`` (n, 4) int64, ``labels``
        (n, n_labels) float32, ``masks`` (n, n_labels, cells, cells) uint8, ``group`` (n,) text.
    """
    from ucu_mlops.images.labels import parse_labels  # noqa: PLC0415 (needs the images extra)

    names = parse_labels(labels).names
    jobs = [
        (options.seed, first, min(AT_ONCE, options.count - first), names, store)
        for first in range(0, max(options.count, 1), AT_ONCE)
    ]
    # Spawned: a forked child would inherit locks that libraries' threads hold.
    with ProcessPoolExecutor(options.processes, get_context("spawn")) as pool:
        parts = list(tqdm(pool.map(_draw, jobs), total=len(jobs), desc="drawing", unit="00"))
    logger.info("%s pictures drawn to train on", options.count)
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def kept_back(drawn: dict[str, NDArray[Any]]) -> int:
    """Say how many of the drawn pictures, from the first on, nothing is learnt from."""
    return len(drawn["labels"]) // 10


def _draw(
    job: tuple[int, int, int, tuple[str, ...], dict[str, Any]],
) -> dict[str, NDArray[Any]]:
    from ucu_mlops.images.pictures import corner_masks  # noqa: PLC0415 (needs the images extra)
    from ucu_mlops.simulation.pictures.drawing import draw_pictures  # noqa: PLC0415
    from ucu_mlops.simulation.pictures.names import LABELS  # noqa: PLC0415
    from ucu_mlops.simulation.pictures.options import PictureOptions  # noqa: PLC0415

    seed, first, count, names, store = job
    side, channels = store["side"], store["channels"]
    drawable = tuple(name for name in names if name in LABELS)
    drawn = draw_pictures(
        seed, count, PictureOptions(labels=drawable, side=side, channels=channels), first
    )
    places = [names.index(name) for name in drawable]
    labels = np.full((count, len(names)), np.nan, dtype=np.float32)
    labels[:, places] = drawn.labels
    corners = [[(places[at], each) for at, each in found] for found in drawn.corners]
    masks = corner_masks(corners, labels, side, side // CELL)
    return {
        "pixels": drawn.pixels,
        "boxes": drawn.boxes,
        "labels": labels,
        "masks": masks,
        "group": drawn.group,
    }
