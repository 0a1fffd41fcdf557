"""Let a wave of new scammers come over a champion that never saw any, on labelled entities.

known → champion, reference → quiet batches, then batches with the wave → the monitor acts
→ moderators label → trained again → recall on entities that were not learnt from
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import logit

from ucu_mlops.bundle.manifest import FeatureSpec
from ucu_mlops.errors import ConfigurationError, NotEnoughDataError, SchemaError
from ucu_mlops.loop.wave_watch import (
    MonitorOptions,
    batch_reference,
    number_batches,
    watch_batches,
)
from ucu_mlops.quality.hashing import hash_share
from ucu_mlops.quality.metrics import recall_at_fpr
from ucu_mlops.scam.estimator import FittedScam, TrainingOptions, fit

logger = logging.getLogger(__name__)

WORKERS = 2  # trainings at a time: LightGBM lets go of the interpreter while it fits


@dataclass(frozen=True)
class WaveOptions:
    """Who is known, who is new, and how they arrive.

    Attributes:
        before: Cohorts that the champion learns from; those it does not are the background.
        wave: Cohorts that arrive later among the background, in order of time.
        known_share: Share of the cohorts of before that the champion learns from.
        batch: Entities scored together.
        labels: How many labels the first training after the alarm waits for.
        folds: The entities are judged in so many parts, each by models that learnt from the others.
        false_positive_rate: Of the normal entities; sets the threshold that recall is measured at.
    """

    before: Sequence[str]
    wave: Sequence[str]
    known_share: float = 0.6
    batch: int = 250
    labels: int = 300
    folds: int = 5
    false_positive_rate: float = 0.05

    def __post_init__(self) -> None:
        """Refuse a wave that is not new, and parts that hold nothing."""
        if both := sorted(set(self.before) & set(self.wave)):
            raise ConfigurationError(f"wave.before and wave.wave both name {both}; keep it in one")
        for name in ("known_share", "false_positive_rate"):
            if not 0 < (value := getattr(self, name)) < 1:
                raise ConfigurationError(f"wave.{name} must be above 0 and below 1, got {value}")
        for name, least in (("batch", 2), ("labels", 1), ("folds", 2)):
            if (value := getattr(self, name)) < least:
                raise ConfigurationError(f"wave.{name} must be at least {least}, got {value}")


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


def play_wave(  # noqa: PLR0913 (the story's parts)
    rows: pd.DataFrame,
    features: Sequence[FeatureSpec],
    options: WaveOptions,
    *,
    training: TrainingOptions,
    monitor: MonitorOptions,
    seed: int,
) -> Wave:
    """Play it once; the same rows and seed give the same figures.

    The champion learns from a share of the old entities. The others arrive first without the wave,
    in as many batches as the wave will have (again in another order when all have come), then
    with it. From the alarm on moderators are asked in each batch for those whose probability lies
    nearest to the threshold, whoever they are.

    Args:
        rows: One row per entity: the features, ``entity_id``, ``as_of``, ``label``, ``cohort``.
        features: The inputs.
        options: Who is known, who is new.
        training: How to fit.
        monitor: What the monitor is told.
        seed: Seed of who is known, of the order of the background, and of the judged parts.

    Returns:
        Figures: ``batches_to_action`` (of the wave, until the monitor asks for a retraining; null
        if it never does), ``entities_to_action``, ``false_alarms`` (quiet batches after which it
        asked for anything); at the threshold's false positive rate the recall on the wave
        ``recall_before``, ``recall_after_300`` (the number is ``labels``) and
        ``recall_after_all``, and ``recall_old_scams_before``, ``…_after_300`` and ``…_after`` on
        the background's scammers (null if nothing was trained).

    Raises:
        NotEnoughDataError: A part is empty, or too small for what it is for.
        SchemaError: A column is missing.
    """
    known, background, wave = _cast(rows, options, seed)
    champion = fit(known, features, training)
    logger.info("champion of %s entities, %s held back", len(known), len(background))
    arrivals = _arrivals(background, wave, options, seed)
    arrivals["probability"] = champion.predict(arrivals)[:, 0]
    quiet = _quiet(arrivals, options, seed)
    stream = pd.concat([quiet, arrivals.assign(batch=arrivals["batch"] + quiet["batch"].nunique())])
    reference = batch_reference(champion, known, options.batch)
    batches = watch_batches(reference, stream, features, monitor)
    batches["phase"] = np.where(batches["batch"] < quiet["batch"].nunique(), "quiet", "wave")
    figures = _alarms(batches) | {"seed": seed, "batch_entities": options.batch}
    threshold = _threshold(champion, known, options)
    learnt = _relearn(known, arrivals, features, training, options, figures, threshold)
    return Wave(figures | learnt, batches)
