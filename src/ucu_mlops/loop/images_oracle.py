"""How good an image version learnt from the truth would be: simulation only."""

from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import ibis
import pandas as pd

from ucu_mlops.bundle.store import write_bundle
from ucu_mlops.features.period import Period
from ucu_mlops.loop.project import Project


def oracle_scores(project: Project, learn_until: date, label: str) -> pd.DataFrame:
    """Score the pictures after a day as a version would that learnt the truth up to it.

    It is tuned from the same champion, on all stored pictures up to the day and not only on those
    that moderators were shown, held-out groups excepted.

    Args:
        project: The project that was played.
        learn_until: Last day that is learnt from.
        label: The label whose scores are wanted.

    Returns:
        One row per later picture: ``entity_id``, ``as_of`` (date), ``probability``, ``threshold``.
    """
    from ucu_mlops.images.answers import scores_of  # noqa: PLC0415 (torch)
    from ucu_mlops.images.labels import parse_labels  # noqa: PLC0415
    from ucu_mlops.images.originals import Originals  # noqa: PLC0415
    from ucu_mlops.images.storing import store_options  # noqa: PLC0415
    from ucu_mlops.images.training_set import build_image_training_set  # noqa: PLC0415
    from ucu_mlops.pipelines.images_training.completion import (  # noqa: PLC0415
        complete_candidate,
    )
    from ucu_mlops.pipelines.images_training.nodes import tune_champion  # noqa: PLC0415

    with project.catalog(as_of=learn_until.isoformat()) as catalog, TemporaryDirectory() as scratch:
        given = {
            name: catalog.load(f"params:images.{name}")
            for name in ("labels", "split", "model", "store", "drawn", "tuning")
        }
        shards, uploads = catalog.load("images.shards"), catalog.load("uploads")
        champion, drawn = catalog.load("images.champion"), catalog.load("images.drawn")
        label_set, period = parse_labels(given["labels"]), Period(learn_until, learn_until)
        truth = catalog.load("images_truth").execute()
        known = uploads.execute().set_index("image_id")
        day = known["ingested_at"].dt.date.reindex(shards.index["image_id"]).to_numpy()
        truly = truth.set_index("image_id")[list(label_set.names)].astype(float)
        rows = build_image_training_set(
            shards.index[day <= learn_until], known["group"], truly, label_set, given["split"]
        )
        rows = rows.rename(columns={"image_id": "entity_id"}).assign(
            training_id="oracle", trained_as_of=learn_until
        )
        training_set = ibis.memtable(rows)
        candidate = tune_champion(
            champion,
            shards,
            training_set,
            drawn,
            Path(scratch) / "checkpoints",
            given["labels"],
            given["model"],
            given["tuning"],
            given["drawn"],
            period,
        )
        completed = complete_candidate(
            write_bundle(candidate, Path(scratch) / "candidate"),
            shards,
            uploads,
            training_set,
            drawn,
            given["model"],
            given["store"],
            catalog.load("params:reference.images"),
            period,
        )
        oracle = write_bundle(completed, Path(scratch) / "oracle")
        later = shards.index[day > learn_until]
        ids = [*later["image_id"]]
        load = Originals(
            dict(zip(ids, later["uri"], strict=True)), shards, store_options(given["store"]).objects
        )
        place = label_set.names.index(label)
        scores = scores_of(oracle, ids, shards, load)[:, place]
        return pd.DataFrame(
            {
                "entity_id": ids,
                "as_of": day[day > learn_until],
                "probability": scores,
                "threshold": oracle.manifest.labels[place].threshold,
            }
        )
