"""A photograph's bytes to a picture of the network's size, against ViT's own processor.

1280 x 960 JPEG → 224 pixels, RGB, one thread each; ours is also checked, hashed and letterboxed,
theirs normalised. That both saw the same is told by the mean light of each picture.
"""

from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from bench.harness import Contest, Data, Peer

WIDTH, HEIGHT, PICTURES, QUALITY = 1280, 960, 100, 90
TOLERANCE = 0.01  # of full white: the ways to shrink differ in single pixels
DETAIL = (8, 30, 120)  # spots across the picture, coarse to fine


def prepare(folder: Path, count: int) -> None:
    """Write photographs: smooth light with detail of several sizes, as a camera's have."""
    from PIL import Image  # noqa: PLC0415 (the images extra)

    rng = np.random.default_rng(7)
    for each in range(count):
        light = np.full((HEIGHT, WIDTH, 3), 128.0)
        for spots in DETAIL:
            coarse = rng.integers(0, 256, (spots * 3 // 4, spots, 3), dtype=np.uint8)
            image = Image.fromarray(coarse).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
            light += (np.asarray(image, dtype=float) - 128) / len(DETAIL)
        photograph = Image.fromarray(light.clip(0, 255).astype(np.uint8))
        photograph.save(folder / f"{each:04d}.jpg", quality=QUALITY)


def contests(scale: float) -> list[Contest]:
    """Decode a hundred photographs, times ``scale``."""
    if missing := [each for each in ("PIL", "transformers") if find_spec(each) is None]:
        print(f"decoding: skipped, for {' and '.join(missing)} of the images extra is missing")  # noqa: T201
        return []
    count = max(1, round(PICTURES * scale))
    return [
        Contest(
            name=f"decoding {count:,} JPEGs",
            data=Data(f"decoding_{count}", partial(prepare, count=count)),
            ours="bench.decoding_ours:ours",
            peers=[Peer("ViTImageProcessor", "bench.decoding_peer:processor", 3.0)],
            keys=["row"],
            limit_mb=None,
            tolerance=TOLERANCE,
        )
    ]
