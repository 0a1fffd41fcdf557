"""The product's fine-tuning, from files on; it imports nothing that only the peer needs."""

import logging
import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
import pandas as pd
import torch

from bench.finetuning import EPOCHS, SIDE
from ucu_mlops.images.checkpoints import FolderCheckpoints
from ucu_mlops.images.decoding import DecodingOptions
from ucu_mlops.images.finetune import finetune
from ucu_mlops.images.network import build_network
from ucu_mlops.images.objects import ObjectOptions
from ucu_mlops.images.options import (
    AugmentationOptions,
    FinetuningOptions,
    ImageModelOptions,
    NetworkOptions,
)
from ucu_mlops.images.pictures import Pictures
from ucu_mlops.images.reporter import LogReporter
from ucu_mlops.images.settings import PreprocessingSettings
from ucu_mlops.images.shards import ShardStore, StoreOptions, update_shards

STORED = DecodingOptions(side=256, channels=3)
HALF = (0.5, 0.5, 0.5)
# As the guide's RandomResizedCrop: 8 % of the area and more, aspects from 3:4 to 4:3.
CROPPED = replace(AugmentationOptions.none(), zoom=1.0, smallest_view=0.28, stretch=0.15)
GPU_BATCH, CPU_BATCH = 256, 16


def model_options(folder: Path, count: int) -> ImageModelOptions:
    """The checkpoint, as its own processor feeds it, three times through all pictures."""
    batch = GPU_BATCH if torch.cuda.is_available() else CPU_BATCH
    return ImageModelOptions(
        preprocessing=PreprocessingSettings(SIDE, 3, mean=HALF, std=HALF, fit="stretch"),
        network=NetworkOptions(checkpoint=str(folder / "network")),
        augmentation=CROPPED,
        finetuning=FinetuningOptions(
            samples=EPOCHS * count, epochs=EPOCHS, batch=batch, learning_rate=2e-4, average=0.99
        ),
    )


def pictures_of(store: ShardStore, rows: pd.DataFrame) -> Pictures:
    """Take the rows' pictures out of the store."""
    ids = [*rows["image_id"]]
    labels = rows[["striped"]].to_numpy(np.float32)
    weight = np.ones(len(rows), np.float32)
    return Pictures(store.pixels(ids), store.boxes(ids), labels, weight)


def ours(folder: Path) -> pd.DataFrame:
    """Store every file once, then train; gives one row per epoch with the pictures it showed."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(message)s")
    table = pd.read_csv(folder / "labels.csv", dtype={"image_id": str})
    uploads = table.assign(uri=[str(folder / each) for each in table["file"]])
    train, validation = (table[table["split"] == each] for each in ("train", "validation"))
    options = model_options(folder, len(train))
    begun = perf_counter()
    with TemporaryDirectory(dir=folder.parent) as place:
        objects = ObjectOptions(places=(str(folder),))
        update_shards(Path(place) / "store", uploads, StoreOptions(STORED, objects))
        stored = perf_counter()
        store = ShardStore.open(Path(place) / "store")
        given = pictures_of(store, train), pictures_of(store, validation)
        read = perf_counter()
        network = build_network(options.network, options.preprocessing, ["striped"], seed=0)
        done = finetune(network, *given, options, FolderCheckpoints(Path(place)), LogReporter())
    parts = {"store": stored - begun, "read": read - stored, "train": perf_counter() - read}
    print({name: round(each, 1) for name, each in parts.items()}, file=sys.stderr)  # noqa: T201
    print(*done.history, sep="\n", file=sys.stderr)  # noqa: T201
    per_epoch = len(train) // options.finetuning.batch * options.finetuning.batch
    return pd.DataFrame({"epoch": range(1, EPOCHS + 1), "images": per_epoch})
