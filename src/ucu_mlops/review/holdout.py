"""Which entities no version ever trains on, so that every version can be compared on them."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ucu_mlops.quality.checks import INNER_SHARE, check_numbers
from ucu_mlops.quality.hashing import hash_share

FILE = "training.yml"  # of conf/*/parameters/


@dataclass(frozen=True)
class HoldoutOptions:
    """Which share of the entities is held out.

    Attributes:
        share: Share of all entities, above 0 and below 1. Raising it keeps everyone who is held
            out; whoever joins has been trained on by earlier versions.
        salt: Another salt holds out others: change it never, or every comparison starts anew.
    """

    share: float = 0.1
    salt: str = "holdout"

    def __post_init__(self) -> None:
        """Refuse a share that leaves nobody on one side."""
        check_numbers(self, "holdout", FILE, share=INNER_SHARE)


def is_holdout(entity_ids: Iterable[str], options: HoldoutOptions) -> NDArray[np.bool_]:
    """Tell for each entity whether it is held out, whoever else there is.

    Args:
        entity_ids: Entities, in any order.
        options: Which share.

    Returns:
        True where held out, shape ``(n_entities,)``.
    """
    return hash_share(entity_ids, options.salt) < options.share
