"""Unpack tables and parameters for the image model's evaluation."""

import logging
from dataclasses import dataclass
from typing import Any

import ibis
import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from ucu_mlops.bundle.store import Bundle
from ucu_mlops.errors import NotEnoughDataError
from ucu_mlops.features.period import Period
from ucu_mlops.images.evaluation import Judged, evaluate
from ucu_mlops.images.experts import read_stored
from ucu_mlops.images.intervals import ImageEvaluationOptions
from ucu_mlops.images.labels import LabelSet
from ucu_mlops.images.mistakes_page import draw_mistakes_page, find_mistakes
from ucu_mlops.images.model_files import label_set_of, predictor_of, thresholds_of
from ucu_mlops.images.originals import Originals
from ucu_mlops.images.plots import plot_precision_recall, plot_robustness
from ucu_mlops.images.robustness import RobustnessOptions, measure_robustness, robustness_failures
from ucu_mlops.images.settings import FILE
from ucu_mlops.images.shards import ShardStore
from ucu_mlops.images.storing import store_options
from ucu_mlops.images.training_set import labels_in_force
from ucu_mlops.quality.checks import COUNT, check_choices, check_numbers

logger = logging.getLogger(__name__)

HELD_OUT, ALL = "held_out", "all"


@dataclass(frozen=True)
class EvaluatedOptions:
    """Which pictures are judged.

    Attributes:
        pictures: ``held_out`` (of those that the training set parted, the ones held out) or
            ``all`` (a folder of its own, named at run time).
        sample: Pictures at most that are distorted, to see what the model bears.
    """

    pictures: str
    sample: int

    def __post_init__(self) -> None:
        check_choices(self, "images.evaluated", FILE, pictures=(HELD_OUT, ALL))
        check_numbers(self, "images.evaluated", FILE, sample=COUNT)


def judge_pictures(
    challenger: Bundle,
    shards: ShardStore,
    uploads: ibis.Table,
    image_labels: ibis.Table,
    training_set: ibis.Table,
    evaluated: EvaluatedOptions,
    store: dict[str, Any],
    period: Period,
) -> pd.DataFrame:
    """Let network and reader look at labelled pictures.

    Returns:
        One row per picture: ``image_id``, ``group``, ``learnt`` (bool: its bytes were among those
        the version was trained on), and per label ``probability.NAME``, ``reader.NAME`` (bool) and
        ``label.NAME`` (1.0, 0.0 or NaN).

    Raises:
        NotEnoughDataError: No labelled picture is stored.
    """
    label_set = label_set_of(challenger)
    labels = labels_in_force(image_labels.execute(), label_set, period.as_of)
    learnt, held_out = _parted(training_set, challenger)
    index = shards.index[shards.index["image_id"].isin(labels.index)]
    if evaluated.pictures == HELD_OUT:
        index = index[index["image_id"].isin(held_out)]
    if index.empty:
        raise NotEnoughDataError(
            f"no labelled picture to evaluate ({evaluated.pictures}); "
            "store some, or raise images.split.holdout_share"
        )
    ids = [*index["image_id"]]
    groups = uploads.execute().drop_duplicates("image_id").set_index("image_id")["group"]
    uris = dict(zip(index["image_id"], index["uri"], strict=True))
    load = Originals(uris, shards, store_options(store).objects)
    probabilities = predictor_of(challenger).probabilities(shards.pixels(ids), shards.boxes(ids))
    reader = read_stored(ids, load, label_set)
    frame = pd.DataFrame({"image_id": ids, "group": groups.reindex(ids).fillna("").to_numpy()})
    frame["learnt"] = index["sha256"].isin(learnt).to_numpy()
    for place, name in enumerate(label_set.names):
        frame[f"probability.{name}"] = probabilities[:, place]
        frame[f"reader.{name}"] = reader[:, place]
        frame[f"label.{name}"] = labels.loc[ids, name].to_numpy()
    return frame


def evaluate_pictures(
    judged: pd.DataFrame, challenger: Bundle, options: ImageEvaluationOptions
) -> dict[str, Any]:
    """Report network, reader and both together, per label.

    Returns:
        What :func:`ucu_mlops.images.evaluation.evaluate` gives, the ``version``, and ``learnt``:
        how many of the pictures the version was trained on, whose figures flatter.
    """
    label_set = label_set_of(challenger)
    report = evaluate(_judged(judged, label_set), thresholds_of(challenger), label_set, options)
    learnt = int(judged["learnt"].sum())
    if learnt:
        logger.warning(
            "images: %s of the %s pictures were trained on: figures flatter", learnt, len(judged)
        )
    logger.info("images: macro F1 %s", report["macro_f1"])
    return report | {"version": challenger.version, "learnt": learnt}


def measure_bearing(
    judged: pd.DataFrame,
    challenger: Bundle,
    shards: ShardStore,
    options: RobustnessOptions,
    evaluated: EvaluatedOptions,
) -> pd.DataFrame:
    """Distort the pictures, and see how much recall is lost.

    Returns:
        As :func:`ucu_mlops.images.robustness.measure_robustness` gives it.
    """
    label_set = label_set_of(challenger)
    some = judged.sample(min(evaluated.sample, len(judged)), random_state=0).sort_index()
    ids = [*some["image_id"]]
    table = measure_robustness(
        shards.pixels(ids),
        shards.boxes(ids),
        _columns(some, "label", label_set),
        predictor_of(challenger).probabilities,
        thresholds_of(challenger),
        options,
    )
    for failure in robustness_failures(table):
        logger.warning("images: not robust: %s", failure)
    return table


def draw_mistakes(
    judged: pd.DataFrame, evaluation: dict[str, Any], challenger: Bundle, shards: ShardStore
) -> str:
    """Show the worst mistakes, with the pictures, as a page."""
    label_set = label_set_of(challenger)
    found = find_mistakes(_judged(judged, label_set), thresholds_of(challenger), label_set)
    title = f"images, version {challenger.version}: the worst mistakes"
    return draw_mistakes_page(found, [*judged["image_id"]], shards.pixels, evaluation, title)


def plot_curves(judged: pd.DataFrame, evaluation: dict[str, Any], challenger: Bundle) -> go.Figure:
    """Draw precision over recall per label."""
    label_set = label_set_of(challenger)
    return plot_precision_recall(_judged(judged, label_set), label_set, evaluation)


def plot_bearing(robustness: pd.DataFrame) -> go.Figure:
    """Draw recall over what is done to the pictures."""
    return plot_robustness(robustness)


def _parted(training_set: ibis.Table, challenger: Bundle) -> tuple[set[str], set[str]]:
    """Give the SHA-256 of what a version learnt from, and the pictures it was to be kept from."""
    frame = training_set.execute()
    own = frame[frame["training_id"] == challenger.manifest.training["training_id"]]
    return (
        set(own.loc[own["split"] != "holdout", "sha256"]),
        set(own.loc[own["split"] == "holdout", "entity_id"]),
    )


def _judged(frame: pd.DataFrame, label_set: LabelSet) -> Judged:
    return Judged(
        probabilities=_columns(frame, "probability", label_set),
        reader=_columns(frame, "reader", label_set).astype(bool),
        labels=_columns(frame, "label", label_set),
        groups=frame["group"].to_numpy(dtype=object),
    )


def _columns(frame: pd.DataFrame, what: str, label_set: LabelSet) -> NDArray[np.float64]:
    return frame[[f"{what}.{name}" for name in label_set.names]].to_numpy(dtype=np.float64)
