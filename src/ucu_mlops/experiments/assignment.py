"""Who takes part in an experiment, and with which variant: by hash, the same wherever it is asked.

Two independent hashes of the entity, salted by the experiment's name: one against the share that
takes part, which only grows, so that nobody who takes part ever leaves or changes sides; one deals
the variants. Kohavi, Tang and Xu, "Trustworthy Online Controlled Experiments" (2020), ch. 4, 15.
"""

from bisect import bisect_right
from datetime import date
from itertools import accumulate

from ucu_mlops.experiments.definition import Experiment
from ucu_mlops.quality.hashing import hash_share


def variant_of(experiment: Experiment, entity_id: str, day: date) -> str | None:
    """Deal an entity's variant.

    Args:
        experiment: Which.
        entity_id: Who asks.
        day: On which (UTC).

    Returns:
        The variant's name; None: the entity takes no part.
    """
    if _die(experiment, "takes part", entity_id) >= experiment.exposure(day):
        return None
    # The last edge is 1 but for rounding, and a die is always below it.
    edges = [*accumulate(experiment.shares.values())][:-1]
    return [*experiment.shares][bisect_right(edges, _die(experiment, "variant", entity_id))]


def _die(experiment: Experiment, throw: str, entity_id: str) -> float:
    return float(hash_share([entity_id], f"{experiment.name} {throw}")[0])
