"""How long a version takes to score a batch, told in a way that a busy machine does not change."""

import time
from collections.abc import Mapping

import numpy as np
import pandas as pd

from ucu_mlops.bundle.manifest import FeatureSpec
from ucu_mlops.bundle.predict import Predictor
from ucu_mlops.bundle.store import Bundle

ROWS = 4_096
ROUNDS = 7


def scoring_seconds(bundles: Mapping[str, Bundle]) -> dict[str, float]:
    """Time versions on made-up rows, in turn.

    Processor seconds of one thread, not the clock's, and the best of several rounds: what else runs
    on the machine adds to a round but never takes from it.

    Args:
        bundles: Versions by name.

    Returns:
        By name: seconds for 4,096 rows.
    """
    ready = {
        name: (Predictor(bundle), made_up_rows(bundle.manifest.features))
        for name, bundle in bundles.items()
    }
    best = dict.fromkeys(ready, float("inf"))
    for _ in range(ROUNDS):
        for name, (predictor, rows) in ready.items():
            began = time.process_time()
            predictor.predict(rows)
            best[name] = min(best[name], time.process_time() - began)
    return best


def made_up_rows(features: tuple[FeatureSpec, ...]) -> pd.DataFrame:
    """Make the same rows each time: numbers of all sizes, one category."""
    generator = np.random.default_rng(0)
    return pd.DataFrame(
        {
            spec.name: generator.lognormal(0, 3, ROWS) if spec.kind == "numeric" else "made up"
            for spec in features
        },
        index=range(ROWS),
    )
