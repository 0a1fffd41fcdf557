"""Photographs from files to small pictures, against the usual processor of a ViT.

JPEG of 1280 by 960 pixels → checked, decoded, resized once, with hashes and facts. The peer opens
the file by Pillow and hands it to ``ViTImageProcessor`` as it comes; without torchvision that is
``ViTImageProcessorPil``. Without the images extra one line says that the contest is left out.
"""

from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.harness import Contest, Data, Peer

PICTURES, WIDTH, HEIGHT = 100, 1280, 960
QUALITY = 85  # what telephones and platforms keep photographs at
OCTAVES = {5: 60.0, 20: 30.0, 80: 15.0, 320: 8.0, 1280: 6.0}  # grey levels by cells a row
# Of a cell's mean, 0 to 1: ours and the peer's resize differ in filter and size.
TOLERANCE = 0.02
NEEDED = ("PIL", "fsspec", "transformers")


def draw_photograph(seed: int) -> NDArray[np.uint8]:
    """Draw clouds of colour with fine grain: as hard to decompress as a photograph.

    Returns:
        Shape ``(HEIGHT, WIDTH, 3)``.
    """
    from PIL import Image  # noqa: PLC0415 (the images extra may be missing)

    rng = np.random.default_rng(seed)
    light = np.full((HEIGHT, WIDTH, 3), 128.0)
    for cells, strength in OCTAVES.items():
        coarse = rng.normal(0.0, strength, (3, cells * HEIGHT // WIDTH, cells)).astype(np.float32)
        for channel, plane in enumerate(coarse):
            light[..., channel] += np.asarray(Image.fromarray(plane).resize((WIDTH, HEIGHT)))
    drawn: NDArray[np.uint8] = light.clip(0, 255).astype(np.uint8)
    return drawn


def prepare(folder: Path, count: int) -> None:
    """Store photographs as JPEG files."""
    from PIL import Image  # noqa: PLC0415 (the images extra may be missing)

    for number in range(count):
        picture = Image.fromarray(draw_photograph(number))
        picture.save(folder / f"{number:04d}.jpg", quality=QUALITY)


def contests(scale: float) -> list[Contest]:
    """Decode and resize a hundred photographs, times ``scale``."""
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        print(f"decoding: skipped, for {missing} of the images extra are not installed")  # noqa: T201
        return []
    count = max(round(PICTURES * scale), 1)
    return [
        Contest(
            name=f"decoding {count:,} photographs",
            data=Data(f"decoding_{count}", partial(prepare, count=count)),
            ours="bench.decoding_ours:ours",
            peers=[Peer("ViTImageProcessor", "bench.decoding_peer:processor", 3.0)],
            keys=["picture", "cell"],
            limit_mb=None,
            tolerance=TOLERANCE,
        )
    ]
