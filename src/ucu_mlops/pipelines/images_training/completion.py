"""Complete a candidate: thresholds, a quantized network, what is usual."""

import logging
from dataclasses import replace
from typing import Any

import ibis
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ucu_mlops.bundle.store import Bundle, Draft
from ucu_mlops.features.period import Period
from ucu_mlops.images.evaluation import Judged
from ucu_mlops.images.experts import read_codes, read_stored
from ucu_mlops.images.model_files import label_set_of, predictor_of
from ucu_mlops.images.options import parse_options
from ucu_mlops.images.originals import Originals
from ucu_mlops.images.shards import ShardStore
from ucu_mlops.images.storing import store_options
from ucu_mlops.images.usual import with_reference
from ucu_mlops.monitoring.reference import ReferenceOptions
from ucu_mlops.pipelines.images_training.drawing import kept_back
from ucu_mlops.pipelines.images_training.tables import rows_of_run

logger = logging.getLogger(__name__)


def complete_candidate(  # noqa: PLR0913, PLR0917 (each argument is a dataset, given by name)
    candidate: Bundle,
    shards: ShardStore,
    uploads: ibis.Table,
    training_set: ibis.Table,
    drawn: dict[str, NDArray[Any]],
    model: dict[str, Any],
    store: dict[str, Any],
    reference: ReferenceOptions,
    period: Period,
) -> Draft:
    """Choose the thresholds on pictures not learnt from, quantize where decisions stay.

    Of drawn pictures those without a code count: real ones are few, and without any a threshold
    knows nothing of false alarms. Drawn codes would ask for more than photographs do.

    The reference is what the last days' uploads look like from outside, and what the network says
    of them; pictures of a single moment have none.

    Returns:
        The challenger.
    """
    from ucu_mlops.images.completing import complete  # noqa: PLC0415 (torch)

    options = parse_options(model)
    rows = rows_of_run(training_set, period)
    uris = dict(zip(shards.index["image_id"], shards.index["uri"], strict=True))
    load = Originals(uris, shards, store_options(store).objects)
    validation = _judged(candidate, shards, rows[rows["split"] == "validation"], drawn, load)
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
    completed = replace(candidate, manifest=draft.manifest)
    return with_reference(
        draft, completed, shards, uploads.execute(), reference, period.as_of, load
    )


def _judged(
    candidate: Bundle,
    shards: ShardStore,
    rows: pd.DataFrame,
    drawn: dict[str, NDArray[Any]],
    load: Originals,
) -> Judged:
    """Let network and reader look at the pictures that thresholds are chosen by."""
    label_set, predictor = label_set_of(candidate), predictor_of(candidate)
    names, ids = list(label_set.names), [*rows["entity_id"]]
    kept = slice(0, kept_back(drawn))
    empty = np.flatnonzero((drawn["labels"][kept] == 0).all(axis=1))
    pixels, boxes = drawn["pixels"][empty], drawn["boxes"][empty]
    return Judged(
        probabilities=np.concatenate(
            [
                predictor.probabilities(shards.pixels(ids), shards.boxes(ids)),
                predictor.probabilities(pixels, boxes),
            ]
        ),
        reader=np.concatenate(
            [read_stored(ids, load, label_set), read_codes(list(pixels), label_set)]
        ),
        labels=np.concatenate(
            [rows[names].to_numpy(dtype=np.float64), np.zeros((len(empty), len(names)))]
        ),
        groups=np.concatenate([rows["group"].to_numpy(dtype=object), drawn["group"][empty]]),
    )
