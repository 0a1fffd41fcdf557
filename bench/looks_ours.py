"""The product's looks: on a GPU as validation takes them, on a CPU as a bundle ships them."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch

from bench.looks import THREADS
from bench.looks_peer import BATCH, one_picture, taken
from ucu_mlops.images.inference import DeviceLook
from ucu_mlops.images.network import build_network
from ucu_mlops.images.onnx_predictor import ImagePredictor
from ucu_mlops.images.options import NetworkOptions
from ucu_mlops.images.settings import PreprocessingSettings

HALF = (0.5, 0.5, 0.5)
SETTINGS = PreprocessingSettings(224, 3, mean=HALF, std=HALF, fit="stretch")
LABELS = ("one", "two", "three")


def gpu(folder: Path) -> pd.DataFrame:
    """Take one picture from host memory and back, and batches on the device."""
    options = NetworkOptions(checkpoint=str(folder / "network"))
    look = DeviceLook(build_network(options, SETTINGS, LABELS, seed=0).cuda())
    picture = torch.from_numpy(one_picture())
    batch = picture.cuda().expand(BATCH, -1, -1, -1).contiguous()
    return taken({"one picture": lambda: look(picture)[0], "batch": lambda: look(batch)[0]})


def cpu(folder: Path) -> pd.DataFrame:
    """Look through ONNX Runtime on two threads."""
    picture: np.ndarray = one_picture()
    looks = {
        f"one picture, {kind}": ImagePredictor(folder / f"{kind}.onnx", SETTINGS, threads=THREADS)
        for kind in ("int8", "fp32")
    }
    return taken({name: lambda each=each: each.look(picture) for name, each in looks.items()})
