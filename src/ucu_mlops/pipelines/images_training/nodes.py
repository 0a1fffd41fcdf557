"""Unpack tables and parameters for the image model's training; torch is imported when it runs."""

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ucu_mlops.adapters.mlflow_curves import MlflowCurves
from ucu_mlops.bundle.store import Bundle, Draft
from ucu_mlops.features.period import Period
from ucu_mlops.images.labels import parse_labels
from ucu_mlops.images.model_files import label_set_of
from ucu_mlops.images.options import parse_options
from ucu_mlops.images.pictures import Pictures, known_masks
from ucu_mlops.images.sampling import balanced_weights
from ucu_mlops.images.settings import PreprocessingSettings
from ucu_mlops.images.shards import ShardStore
from ucu_mlops.images.training_set import (
    SplitOptions,
    build_image_training_set,
    labels_from_verdicts,
    labels_in_force,
    training_identity,
)
from ucu_mlops.pipelines.images_training.drawing import DrawingOptions, kept_back
from ucu_mlops.pipelines.images_training.tables import rows_of_run
from ucu_mlops.review.verdicts import counted_verdicts

logger = logging.getLogger(__name__)


def build_training_set(
    shards: ShardStore,
    uploads: ibis.Table,
    image_labels: ibis.Table,
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
    said = pd.concat([image_labels.execute()[list(decided.columns)], decided], ignore_index=True)
    known = labels_in_force(said, label_set, period.as_of)
    groups = uploads.execute().drop_duplicates("image_id").set_index("image_id")["group"]
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
    training_set: ibis.Table,
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
    from ucu_mlops.images.located import located_masks  # noqa: PLC0415 (zxing-cpp)
    from ucu_mlops.images.reporter import LogReporter, Reporters  # noqa: PLC0415
    from ucu_mlops.images.training import train  # noqa: PLC0415

    label_set, options = parse_labels(labels), parse_options(model)
    rows = rows_of_run(training_set, period)
    real = _pictures(shards, rows[rows["split"] == "train"], label_set.names, drawn)
    weight = balanced_weights(real.labels, real.weight)
    cells = drawn["masks"].shape[-1]
    masks = located_masks(real.pixels, real.labels, label_set, cells)
    real = replace(real, weight=weight, masks=masks)
    learnt = slice(kept_back(drawn), None)
    share = drawing.share if len(drawn["labels"][learnt]) else 0.0
    pictures = (
        Pictures.joined(real, _drawn(drawn, learnt), shares=(1 - share, share)) if share else real
    )
    validation = _pictures(shards, rows[rows["split"] == "validation"], label_set.names, drawn)
    training = {
        "training_id": str(rows["training_id"].iloc[0]),
        "label_set": label_set.version,
        "rows": len(real),
        "drawn": len(drawn["labels"][learnt]),
        "positives": {
            name: int((real.labels[:, at] == 1).sum()) for at, name in enumerate(label_set.names)
        },
    }
    store = FolderCheckpoints(checkpoints)
    reporter = Reporters(LogReporter(), MlflowCurves("images.training"))
    return train(pictures, validation, label_set, options, store, reporter, training, period.as_of)


def tune_champion(
    incumbent: Bundle,
    shards: ShardStore,
    training_set: ibis.Table,
    drawn: dict[str, NDArray[Any]],
    checkpoints: Path,
    labels: dict[str, Any],
    model: dict[str, Any],
    tuning: dict[str, Any],
    drawing: DrawingOptions,
    period: Period,
) -> Draft:
    """Go on from the champion's weights, with what became known since.

    A champion without weights (the rule), of other labels or of another input cannot be gone on
    from: then a network is trained anew, at the full length.

    Args:
        incumbent: The champion.
        shards: The stored pictures.
        training_set: Which of them are learnt from.
        drawn: Pictures drawn to learn from.
        checkpoints: Where a killed training goes on.
        labels: The labels, as configured.
        model: Everything that can be chosen about the network.
        tuning: What of ``model.finetuning`` is otherwise, on from trained weights.
        drawing: What share of the pictures shown are drawn.
        period: Its end is the day.

    Returns:
        As ``train_candidate``.
    """
    if why := _no_start(incumbent, parse_labels(labels).names, model):
        logger.info("images: trained anew: the champion %s", why)
    else:
        network = (model.get("network") or {}) | {
            "checkpoint": str(incumbent.folder),
            "head": "keep",
        }
        loop = (model.get("finetuning") or {}) | tuning
        model = model | {"network": network, "finetuning": loop}
        logger.info("images: tuned on from version %s", incumbent.version)
    return train_candidate(shards, training_set, drawn, checkpoints, labels, model, drawing, period)


def _no_start(champion: Bundle, names: tuple[str, ...], model: dict[str, Any]) -> str:
    """Say why a training cannot go on from the champion; empty if it can."""
    if champion.manifest.kind == "rule":
        return "is the rule"
    if label_set_of(champion).names != names:
        return f"knows other labels: {list(label_set_of(champion).names)}"
    fed = PreprocessingSettings(**champion.manifest.policy["preprocessing"])
    return "" if fed == parse_options(model).preprocessing else "is fed otherwise"


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


def _drawn(drawn: dict[str, NDArray[Any]], which: slice) -> Pictures:
    return Pictures(
        pixels=drawn["pixels"][which],
        boxes=drawn["boxes"][which],
        labels=drawn["labels"][which],
        weight=np.ones(len(drawn["labels"][which]), dtype=np.float32),
        masks=drawn["masks"][which],
    )
