"""The product's decoding; it imports nothing that only the peer needs."""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ucu_mlops.images.decoding import DecodingOptions, decode

CELLS = 4  # a row and a column: what both must agree upon, whatever their size
OPTIONS = DecodingOptions(side=320, channels=3)


def ours(folder: Path) -> pd.DataFrame:
    """Decode each file as the store does, one after another on one core."""
    means = []
    for path in sorted(folder.glob("*.jpg")):
        decoded = decode(path.read_bytes(), OPTIONS)
        top, left, height, width = decoded.box
        content = decoded.pixels[top : top + height, left : left + width]
        means.append(cell_means(content) / 255)
    return cells_table(means)


def cell_means(pixels: NDArray[np.generic]) -> NDArray[np.float64]:
    """Give the mean of each cell and colour of a picture, flat; ``(height, width, 3)`` given."""
    height, width, _ = pixels.shape
    cells = pixels.reshape(CELLS, height // CELLS, CELLS, width // CELLS, 3)
    means: NDArray[np.float64] = cells.mean(axis=(1, 3), dtype=np.float64).ravel()
    return means


def cells_table(means: list[NDArray[np.float64]]) -> pd.DataFrame:
    """Give one row per picture and cell: ``picture``, ``cell``, ``mean`` (0 to 1)."""
    stacked = np.stack(means)
    picture, cell = np.indices(stacked.shape)
    return pd.DataFrame({"picture": picture.ravel(), "cell": cell.ravel(), "mean": stacked.ravel()})
