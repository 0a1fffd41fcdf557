"""What most would write: Pillow opens the file, the checkpoint's processor does the rest."""

from pathlib import Path

import pandas as pd
from PIL import Image
from transformers import ViTImageProcessor

from bench.decoding_ours import cell_means, cells_table


def processor(folder: Path) -> pd.DataFrame:
    """Hand each picture to the processor with its defaults: 224 by 224, normalised."""
    process = ViTImageProcessor()
    means = []
    for path in sorted(folder.glob("*.jpg")):
        with Image.open(path) as image:
            values = process(image.convert("RGB"), return_tensors="np")["pixel_values"][0]
        means.append(cell_means(values.transpose(1, 2, 0) * 0.5 + 0.5))
    return cells_table(means)
