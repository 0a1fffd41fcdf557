"""What the model's own processor does by default: Pillow decodes whole, then it resizes."""

import io
from pathlib import Path

import pandas as pd
from PIL import Image
from transformers import ViTImageProcessor

from bench.decoding_ours import ROUNDS


def processor(folder: Path) -> pd.DataFrame:
    """Open and process every photograph, three times over."""
    process = ViTImageProcessor()
    light = []
    for path in sorted(folder.glob("*.jpg")) * ROUNDS:
        image = Image.open(io.BytesIO(path.read_bytes()))
        pixels = process(image, return_tensors="np")["pixel_values"][0]
        light.append(float(pixels.mean() + 1) / 2)  # -1..1 becomes 0..1
    return pd.DataFrame({"row": range(len(light)), "light": light})
