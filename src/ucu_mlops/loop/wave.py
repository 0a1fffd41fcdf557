"""Let a wave of new scammers come over a champion that never saw any, on labelled entities.

known → champion, reference → quiet batches, then batches with the wave → the monitor acts
→ moderators label → trained again → recall on entities that were not learnt from
"""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ucu_mlops.bundle.manifest import FeatureSpec
from ucu_mlops.loop.wave_arrivals import WaveOptions, cast_of
from ucu_mlops.loop.wave_watch import MonitorOptions, batch_reference, watch_batches
from ucu_mlops.quality.metrics import recall_at_fpr
from ucu_mlops.scam.estimator import TrainingOptions, fit

logger = logging.getLogger(__name__)

WORKERS = 2  # trainings at a time: LightGBM lets go of the interpreter while it fits

Choose = Callable[[pd.DataFrame], pd.DataFrame]


@dataclass(frozen=True)
class Wave:
    """What happened.

    Attributes:
        figures: A JSON object, as :func:`play_wave` describes it.
        batches: One row per batch, as ``watch_batches`` gives them, with ``phase`` (``quiet`` or
            ``wave``).
    """

    figures: dict[str, Any]
    batches: pd.DataFrame


def play_wave(
    rows: pd.DataFrame,
    features: Sequence[FeatureSpec],
    options: WaveOptions,
    *,
    training: TrainingOptions,
    monitor: MonitorOptions,
    seed: int,
) -> Wave:
    """Play it once; the same rows and seed give the same figures.

    The champion learns from a share of the old entities. Of the others some tell the monitor what
    is usual, the rest arrive before the wave; then all arrive, evenly among the wave. The monitor
    sees no label. From its alarm on, moderators are asked in each batch for those that only just
    pass, whoever they are.

    Args:
        rows: One row per entity: the features, ``entity_id``, ``as_of``, ``label``, ``cohort``.
        features: The inputs.
        options: Who is known, who is new.
        training: How to fit.
        monitor: What the monitor is told.
        seed: Seed of who is known, of the background's order, and of the folds.

    Returns:
        The batches, and figures: ``batches_to_action`` (of the wave, until the monitor asks for a
        retraining; null if it never does) and ``accounts_to_action``; ``false_alarms`` (quiet
        batches in which it saw reason to act). Recall at the threshold of
        ``false_positive_rate``, a mean over the folds, each judged by what learnt from the
        others: on the wave ``recall_before``, ``recall_after_300`` (with so many labels) and
        ``recall_after_all``; on the background's scammers ``recall_old_scams_before``,
        ``recall_old_scams_after_300`` and ``recall_old_scams_after``. What is after is null
        without an alarm.

    Raises:
        NotEnoughDataError: A part is empty, or too small for what it is for.
        SchemaError: A column is missing.
    """
    cast = cast_of(rows, options, seed)
    champion = fit(cast.known, features, training)
    logger.info(
        "seed %s: %s known, %s arrive with the wave", seed, len(cast.known), len(cast.arrivals)
    )
    usual, quiet, arrivals = (
        each.assign(probability=champion.predict(each)[:, 0])
        for each in (cast.usual, cast.quiet, cast.arrivals)
    )
    n_quiet = int(quiet["batch"].max()) + 1
    stream = pd.concat([quiet, arrivals.assign(batch=arrivals["batch"] + n_quiet)])
    reference = batch_reference(champion, usual, options.batch, seed)
    batches = watch_batches(reference, stream, monitor)
    batches["phase"] = np.where(batches["batch"] < n_quiet, "quiet", "wave")
    alarm = _alarm(batches)

    stages: dict[str, Choose | None] = {"before": None}
    if (acted := alarm["batches_to_action"]) is not None:
        normal = champion.held_out[cast.known["label"].eq(0)]
        threshold = float(np.quantile(normal, 1 - options.false_positive_rate))
        stages["few"] = lambda pool: ask(
            pool[pool["batch"] >= acted - 1], threshold, options.labels
        )
        stages["all"] = lambda pool: pool
    recalls = {
        name: _cross_judge(cast.known, arrivals, choose, features, training, options)
        for name, choose in stages.items()
    }
    logger.info("seed %s: recall %s", seed, recalls)
    return Wave(
        {
            "seed": seed,
            "accounts_per_batch": options.batch,
            "labels": options.labels,
            "false_positive_rate": options.false_positive_rate,
            **alarm,
            **_named(recalls, options.labels),
        },
        batches,
    )


def ask(pool: pd.DataFrame, threshold: float, labels: int) -> pd.DataFrame:
    """Choose whom moderators are asked for: in each batch those that only just pass.

    Whoever lies above the threshold is a case anyway; right below it are those that the champion
    is least sure to let pass.

    Args:
        pool: One row per entity: ``entity_id``, ``batch`` and ``probability`` (the champion's).
        threshold: Probability from which an entity counts as found.
        labels: How many in all, as many in each batch as in every other.

    Returns:
        Their rows.

    References:
        Lewis and Gale (1994), "A sequential algorithm for training text classifiers",
        arXiv:cmp-lg/9407020: uncertainty sampling.
    """
    passing = pool[pool["probability"] < threshold]
    nearest = passing.sort_values(["probability", "entity_id"], ascending=[False, True])
    batches = sorted(pool["batch"].unique())
    shares = np.diff(np.linspace(0, labels, len(batches) + 1).round().astype(int))
    return pd.concat(
        [
            nearest[nearest["batch"].eq(batch)].head(share)
            for batch, share in zip(batches, shares, strict=True)
        ]
    )


def learn_from(known: pd.DataFrame, labelled: pd.DataFrame, new_share: float) -> pd.DataFrame:
    """Put new labels beside the known; few of them weigh more, together at least ``new_share``."""
    balanced = new_share / (1 - new_share) * len(known) / max(len(labelled), 1)
    new = labelled.assign(weight=max(1.0, balanced))
    return pd.concat([known.assign(weight=1.0), new], ignore_index=True)


def _alarm(batches: pd.DataFrame) -> dict[str, Any]:
    quiet = batches[batches["phase"].eq("quiet")]
    wave = batches[batches["phase"].eq("wave")].reset_index(drop=True)
    asked = wave.index[wave["action"].eq("retrain")]
    acted = int(asked[0]) + 1 if len(asked) else None
    return {
        "quiet_batches": len(quiet),
        "wave_batches": len(wave),
        "batches_to_action": acted,
        "accounts_to_action": int(wave["entities"].head(acted).sum()) if acted else None,
        "false_alarms": int(quiet["asked"].sum()),
        "reasons": wave["reasons"][acted - 1] if acted else [],
    }


def _cross_judge(
    known: pd.DataFrame,
    arrivals: pd.DataFrame,
    choose: Choose | None,
    features: Sequence[FeatureSpec],
    training: TrainingOptions,
    options: WaveOptions,
) -> dict[str, float]:
    """Judge each fold by a model that also learnt from whom ``choose`` picks of the others."""
    # Recall at a rate of false positives needs the order alone, which no calibration changes.
    uncalibrated = replace(training, calibration_folds=2)

    def judge(fold: int) -> dict[str, float]:
        inside = arrivals["fold"].eq(fold)
        judged, probabilities = arrivals[inside], arrivals.loc[inside, "probability"]
        if choose is None:
            return _recalls(judged, probabilities, options.false_positive_rate)
        labelled = choose(arrivals[~inside])
        fitted = fit(learn_from(known, labelled, options.new_share), features, uncalibrated)
        return _recalls(judged, fitted.predict(judged)[:, 0], options.false_positive_rate)

    with ThreadPoolExecutor(WORKERS) as workers:
        folds = pd.DataFrame(list(workers.map(judge, range(options.folds))))
    return {str(name): float(value) for name, value in folds.mean().items()}


def _recalls(judged: pd.DataFrame, probabilities: ArrayLike, rate: float) -> dict[str, float]:
    normal, scores = judged["label"].eq(0), np.asarray(probabilities, dtype=np.float64)
    found = {}
    for name, scams in (("wave", ~normal & judged["is_new"]), ("old", ~normal & ~judged["is_new"])):
        chosen = (normal | scams).to_numpy()
        found[name] = recall_at_fpr(judged["label"][chosen], scores[chosen], rate)
    return found


def _named(recalls: dict[str, dict[str, float]], labels: int) -> dict[str, float | None]:
    return {
        "recall_before": recalls["before"]["wave"],
        f"recall_after_{labels}": recalls.get("few", {}).get("wave"),
        "recall_after_all": recalls.get("all", {}).get("wave"),
        "recall_old_scams_before": recalls["before"]["old"],
        f"recall_old_scams_after_{labels}": recalls.get("few", {}).get("old"),
        "recall_old_scams_after": recalls.get("all", {}).get("old"),
    }
