"""What the guide says: files decoded by workers, the Trainer does the rest.

https://huggingface.co/docs/transformers/tasks/image_classification, with batches of 64 at once
instead of four times 16, bf16 and 12 workers.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch.utils.data import Dataset
from torchvision.transforms import Compose, Normalize, RandomResizedCrop, ToTensor
from transformers import DefaultDataCollator, Trainer, TrainingArguments, ViTForImageClassification

from bench.finetuning import EPOCHS, SIDE

HALF = [0.5, 0.5, 0.5]


class Files(Dataset):
    """Decodes and crops a file each time that it is asked for."""

    def __init__(self, folder: Path, rows: pd.DataFrame) -> None:
        self._paths = [folder / each for each in rows["file"]]
        self._labels = [*rows["striped"]]
        self._transform = Compose([RandomResizedCrop(SIDE), ToTensor(), Normalize(HALF, HALF)])

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, row: int) -> dict[str, object]:
        with Image.open(self._paths[row]) as image:
            values = self._transform(image.convert("RGB"))
        return {"pixel_values": values, "labels": self._labels[row]}


def accuracy(predicted: object) -> dict[str, float]:
    """Share of right answers."""
    logits, labels = predicted
    return {"accuracy": float((np.argmax(logits, axis=1) == labels).mean())}


def trainer(folder: Path) -> pd.DataFrame:
    """Train by the guide's arguments; gives one row per epoch with the pictures it showed."""
    gpu = torch.cuda.is_available()
    table = pd.read_csv(folder / "labels.csv", dtype={"image_id": str})
    train, validation = (table[table["split"] == each] for each in ("train", "validation"))
    with TemporaryDirectory(dir=folder.parent) as place:
        arguments = TrainingArguments(
            output_dir=place,
            remove_unused_columns=False,
            eval_strategy="epoch",
            save_strategy="epoch",
            learning_rate=5e-5,
            per_device_train_batch_size=64 if gpu else 16,
            per_device_eval_batch_size=64 if gpu else 16,
            num_train_epochs=EPOCHS,
            warmup_steps=0.1,
            logging_steps=10,
            load_best_model_at_end=True,
            metric_for_best_model="accuracy",
            bf16=gpu,
            use_cpu=not gpu,
            dataloader_num_workers=12 if gpu else 2,
            report_to="none",
            disable_tqdm=True,
        )
        done = Trainer(
            model=ViTForImageClassification.from_pretrained(folder / "network"),
            args=arguments,
            data_collator=DefaultDataCollator(),
            train_dataset=Files(folder, train),
            eval_dataset=Files(folder, validation),
            compute_metrics=accuracy,
        )
        done.train()
    for line in done.state.log_history:
        if "eval_accuracy" in line or "train_runtime" in line:
            print(line, file=sys.stderr)  # noqa: T201
    return pd.DataFrame({"epoch": range(1, EPOCHS + 1), "images": len(train)})
