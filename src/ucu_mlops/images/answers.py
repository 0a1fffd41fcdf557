"""What a version says of pictures, whoever it lets decide: network, reader, or both together."""

from collections.abc import Callable, Sequence
from datetime import date

import numpy as np
from numpy.typing import NDArray

from ucu_mlops.bundle.manifest import LabelSpec, Manifest
from ucu_mlops.bundle.store import Bundle, Draft
from ucu_mlops.errors import ConfigurationError
from ucu_mlops.images.experts import read_stored
from ucu_mlops.images.labels import LabelSet
from ucu_mlops.images.model_files import label_set_of, policy_of, predictor_of, thresholds_of
from ucu_mlops.images.settings import LookOptions, PreprocessingSettings
from ucu_mlops.images.shards import ShardStore
from ucu_mlops.images.thresholds import union_scores

Load = Callable[[str], NDArray[np.uint8]]
AT_ONCE = 512  # pictures in memory

RULE_THRESHOLD = 0.5


def scores_of(
    bundle: Bundle, image_ids: Sequence[str], shards: ShardStore, load: Load
) -> NDArray[np.float64]:
    """Give each picture a score per label, to be compared with the label's threshold.

    The network's probability, or 1 where a reader decides (or may decide, too) and found it.

    Args:
        bundle: A version of the image model, or the rule that stands in before there is one.
        image_ids: Which pictures.
        shards: Where they are stored.
        load: Gives a picture's largest pixels, for the reader.

    Returns:
        Shape ``(n, n_labels)``, columns in the order of the bundle's labels.
    """
    label_set = label_set_of(bundle)
    reader = read_stored(image_ids, load, label_set)
    if bundle.manifest.kind == "rule":
        return reader.astype(np.float64)
    predictor, thresholds = predictor_of(bundle), thresholds_of(bundle)
    scores = np.empty(reader.shape)
    for first in range(0, len(image_ids), AT_ONCE):
        part = slice(first, first + AT_ONCE)
        ids = list(image_ids[part])
        network = predictor.probabilities(shards.pixels(ids), shards.boxes(ids))
        for place, (asked, each) in enumerate(zip(label_set.labels, thresholds, strict=True)):
            scores[part, place] = {
                "network": network[:, place],
                "reader": reader[part, place].astype(np.float64),
                "union": union_scores(network[:, place], reader[part], place, each.beside).clip(
                    0, 1
                ),
            }[asked.decides]
    return scores


def reader_rule(label_set: LabelSet, as_of: date) -> Draft:
    """Draft what stands in before there is a model: the readers alone.

    Raises:
        ConfigurationError: No label has an expert.
    """
    if not any(each.expert for each in label_set.labels):
        raise ConfigurationError(
            "images.labels: no label names an expert, so nothing can stand in before the first "
            "model; name one, or promote the first version by hand (kedro release promote images)"
        )
    return Draft(
        Manifest(
            model="images",
            kind="rule",
            as_of=as_of.isoformat(),
            features=(),
            labels=tuple(LabelSpec(name, RULE_THRESHOLD) for name in label_set.names),
            policy=policy_of(label_set, PreprocessingSettings(), LookOptions()),
        ),
        {},
    )
