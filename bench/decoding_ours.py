"""The product's side: bytes to a checked, letterboxed picture, as the store keeps it."""

from pathlib import Path

import pandas as pd

from ucu_mlops.images.decoding import DecodingOptions, decode

SIDE, CHANNELS, ROUNDS = 224, 3, 3


def ours(folder: Path) -> pd.DataFrame:
    """Decode every photograph, three times over."""
    options = DecodingOptions(side=SIDE, channels=CHANNELS)
    paths = sorted(folder.glob("*.jpg"))
    light = [decode(path.read_bytes(), options).brightness for _ in range(ROUNDS) for path in paths]
    return pd.DataFrame({"row": range(len(light)), "light": light})
