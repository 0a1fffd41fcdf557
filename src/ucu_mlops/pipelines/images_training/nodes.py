"""Unpack tables and parameters for the image model's training; torch is imported when it runs."""

import logging
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ucu_mlops.bundle.store import Bundle, Draft
from ucu_mlops.features.period import Period
from ucu_mlops.images.evaluation import Judged
from ucu_mlops.images.experts import read_stored
from ucu_mlops.images.labels import parse_labels
from ucu_mlops.images.model_files import label_set_of, predictor_of
from ucu_mlops.images.options import parse_options
from ucu_mlops.images.originals import Originals
from ucu_mlops.images.pictures import Pictures, known_masks
from ucu_mlops.images.shards import ShardStore
from ucu_mlops.images.training_set import (
    SplitOptions,
    build_image_training_set,
    labels_from_verdicts,
    labels_in_force,
    training_identity,
)
from ucu_mlops.pipelines.images_store.nodes import store_options
from ucu_mlops.pipelines.images_training.drawing import DrawingOptions
from ucu_mlops.review.verdicts import counted_verdicts

logger = logging.getLogger(__name__)


def build_training_set(
    shards: ShardStore,
    uploads: Any,
    image_labels: Any,
    cases: ibis.Table,
    verdicts: ibis.Table,
    labels: dict[str, Any],
    split: SplitOptions,
    period: Period,
) -> pd.DataFrame:
    """Part the labelled pictures into those to learn from, to choose by and to hold out.

    Labels are those given with the pictures, and what moderators decided on this model's cases.

    Returns:
        One row per picture: ``entity_id`` (the picture), ``group``, ``split``, ``weight``, a float
        column per label, ``sha256`` (of its bytes), ``training_id``, ``as_of`` and
        ``trained_as_of`` (date).
    """
    label_set = parse_labels(labels)
    own = cases.filter(cases["model"] == "images")
    decided = labels_from_verdicts(counted_verdicts(own, verdicts, period.as_of).execute())
    said = pd.concat([_frame(image_labels)[list(decided.columns)], decided], ignore_index=True)
    known = labels_in_force(said, label_set, period.as_of)
    groups = _frame(uploads).drop_duplicates("image_id").set_index("image_id")["group"]
    rows = build_image_training_set(shards.index, groups, known, label_set, split)
    identity = training_identity(rows, label_set, period.as_of)
    logger.info(
        "images: %s",
        ", ".join(f"{count} to {name}" for name, count in rows["split"].value_counts().items()),
    )
    content = shards.index.set_index("image_id")["sha256"]
    rows["sha256"] = content.loc[rows["image_id"]].to_numpy()
    return rows.rename(columns={"image_id": "entity_id"}).assign(
        training_id=identity, as_of=period.as_of, trained_as_of=period.as_of
    )


def train_candidate(
    shards: ShardStore,
    training_set: Any,
    drawn: dict[str, NDArray[Any]],
    checkpoints: Path,
    labels: dict[str, Any],
    model: dict[str, Any],
    drawing: DrawingOptions,
    period: Period,
) -> Draft:
    """Fine-tune the network on real and drawn pictures; a killed training goes on.

    Returns:
        The candidate: a model without thresholds yet.
    """
    from ucu_mlops.images.checkpoints import FolderCheckpoints  # noqa: PLC0415 (torch)
    from ucu_mlops.images.reporter import LogReporter  # noqa: PLC0415
    from ucu_mlops.images.training import train  # noqa: PLC0415

    label_set, options = parse_labels(labels), parse_options(model)
    rows = _of_run(training_set, period)
    real = _pictures(shards, rows[rows["split"] == "train"], label_set.names, drawn)
    share = drawing.share if len(drawn["labels"]) else 0.0
    pictures = Pictures.joined(real, _drawn(drawn), shares=(1 - share, share)) if share else real
    validation = _pictures(shards, rows[rows["split"] == "validation"], label_set.names, drawn)
    training = {
        "training_id": str(rows["training_id"].iloc[0]),
        "label_set": label_set.version,
        "rows": len(real),
        "drawn": len(drawn["labels"]),
        "positives": {
            name: int((real.labels[:, at] == 1).sum()) for at, name in enumerate(label_set.names)
        },
    }
    store = FolderCheckpoints(checkpoints)
    return train(
        pictures, validation, label_set, options, store, LogReporter(), training, period.as_of
    )


def complete_candidate(
    candidate: Bundle,
    shards: ShardStore,
    training_set: Any,
    drawn: dict[str, NDArray[Any]],
    model: dict[str, Any],
    store: dict[str, Any],
    period: Period,
) -> Draft:
    """Choose the thresholds on pictures not learnt from, and quantize where decisions stay.

    Returns:
        The challenger.
    """
    from ucu_mlops.images.completing import complete  # noqa: PLC0415 (torch)

    label_set, options = label_set_of(candidate), parse_options(model)
    rows = _of_run(training_set, period)
    chosen = rows[rows["split"] == "validation"]
    ids = [*chosen["entity_id"]]
    uris = dict(zip(shards.index["image_id"], shards.index["uri"], strict=True))
    load = Originals(uris, shards, store_options(store).objects)
    validation = Judged(
        probabilities=predictor_of(candidate).probabilities(shards.pixels(ids), shards.boxes(ids)),
        reader=read_stored(ids, load, label_set),
        labels=chosen[list(label_set.names)].to_numpy(dtype=np.float64),
        groups=chosen["group"].to_numpy(dtype=object),
    )
    everything = [*rows["entity_id"]]
    few = max(options.parity.pictures - len(everything), options.parity.pictures // 2)
    pixels = np.concatenate([shards.pixels(everything), drawn["pixels"][:few]])
    boxes = np.concatenate([shards.boxes(everything), drawn["boxes"][:few]])
    draft = complete(candidate, validation, pixels, boxes, options.parity)
    for each in draft.manifest.policy["thresholds"]:
        logger.info(
            "images: %s: network %s, union %s", each["label"], each["network"], each["union"]
        )
    logger.info("images: int8: %s", draft.manifest.policy["parity"])
    return draft


def _pictures(
    shards: ShardStore, rows: pd.DataFrame, names: tuple[str, ...], drawn: dict[str, NDArray[Any]]
) -> Pictures:
    ids = [*rows["entity_id"]]
    labels = rows[list(names)].to_numpy(dtype=np.float32)
    cells = drawn["masks"].shape[-1]
    return Pictures(
        pixels=shards.pixels(ids),
        boxes=shards.boxes(ids),
        labels=labels,
        weight=rows["weight"].to_numpy(dtype=np.float32),
        masks=known_masks(labels, cells),
    )


def _drawn(drawn: dict[str, NDArray[Any]]) -> Pictures:
    return Pictures(
        pixels=drawn["pixels"],
        boxes=drawn["boxes"],
        labels=drawn["labels"],
        weight=np.ones(len(drawn["labels"]), dtype=np.float32),
        masks=drawn["masks"],
    )


def _of_run(training_set: Any, period: Period) -> pd.DataFrame:
    frame = _frame(training_set)
    of_day = pd.to_datetime(frame["trained_as_of"]).dt.date == period.as_of
    return frame[of_day].sort_values("entity_id", ignore_index=True)


def _frame(table: Any) -> pd.DataFrame:
    """Fetch a warehouse's table; a folder's is a frame already."""
    frame: pd.DataFrame = table if isinstance(table, pd.DataFrame) else table.execute()
    return frame
