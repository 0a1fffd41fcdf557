"""From labelled pictures to a candidate: fine-tune, export, put into a bundle's draft."""

import tempfile
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from ucu_mlops.bundle.manifest import LabelSpec, Manifest
from ucu_mlops.bundle.store import Draft
from ucu_mlops.images.checkpoints import CheckpointStore
from ucu_mlops.images.export import to_onnx
from ucu_mlops.images.finetune import finetune
from ucu_mlops.images.labels import LabelSet
from ucu_mlops.images.model_files import FP32, policy_of
from ucu_mlops.images.network import build_network, save_network
from ucu_mlops.images.options import ImageModelOptions
from ucu_mlops.images.pictures import Pictures
from ucu_mlops.images.reporter import Reporter

MODEL = "images"
UNDECIDED = 0.5  # until thresholds are chosen


def train(  # noqa: PLR0913, PLR0917 (all that a training is made of)
    pictures: Pictures,
    validation: Pictures,
    label_set: LabelSet,
    options: ImageModelOptions,
    checkpoints: CheckpointStore,
    reporter: Reporter,
    training: dict[str, Any],
    as_of: date,
) -> Draft:
    """Fine-tune a network and put it into a bundle, without thresholds or reference yet.

    Args:
        pictures: To learn from.
        validation: To choose the best epoch by.
        label_set: The labels.
        options: Everything that can be chosen about the network.
        checkpoints: Where the state is kept: a killed training goes on.
        reporter: Who hears how it goes.
        training: What identifies the training data.
        as_of: The last day that training saw.
    """
    network = build_network(
        options.network, options.preprocessing, label_set.names, options.finetuning.seed
    )
    done = finetune(network, pictures, validation, options, checkpoints, reporter)
    with tempfile.TemporaryDirectory() as folder:
        save_network(done.network, options.preprocessing, Path(folder))
        files = {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}
    return Draft(
        manifest=Manifest(
            model=MODEL,
            kind="model",
            as_of=as_of.isoformat(),
            features=(),
            labels=tuple(LabelSpec(name, UNDECIDED) for name in label_set.names),
            policy=policy_of(label_set, options.preprocessing, options.looks),
            training=training
            | {
                "options": asdict(options),
                "history": list(done.history),
                "stopped_early": done.stopped_early,
                "hardware": done.facts,
            },
        ),
        files=files | {FP32: to_onnx(done.network)},
    )
