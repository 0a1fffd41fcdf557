"""Who is known, who comes when: entities in the order in which a wave reaches the champion.

old cohorts → known, usual, others; others → quiet batches; usual, others and wave → arrivals
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ucu_mlops.errors import NotEnoughDataError, SchemaError
from ucu_mlops.quality.checks import (
    COUNT,
    INNER_SHARE,
    Allowed,
    check_numbers,
    check_words,
    refuse,
)
from ucu_mlops.quality.hashing import hash_share

FILE = "wave.yml"  # of conf/*/parameters/


@dataclass(frozen=True)
class WaveOptions:
    """Who is known, who is new, and how they arrive.

    Attributes:
        before: Cohorts that the champion learns from; those it does not are the background.
        wave: Cohorts that arrive later among the background, in order of time.
        known_share: Share of the cohorts of ``before`` that the champion learns from.
        usual_share: Share of them whose scores tell the monitor what is usual.
        batch: Entities scored together.
        labels: How many labels the first training after the alarm waits for.
        new_share: What the new labels weigh in a training together, at least, as a share of all.
        folds: The entities are judged in so many parts, each by models that learnt from others.
        false_positive_rate: Of normal entities, at the threshold that recall is measured at.
    """

    before: Sequence[str]
    wave: Sequence[str]
    known_share: float = 0.6
    usual_share: float = 0.15
    batch: int = 250
    labels: int = 300
    new_share: float = 0.25
    folds: int = 5
    false_positive_rate: float = 0.05

    def __post_init__(self) -> None:
        """Refuse a wave that is not new, and parts that hold nothing."""
        for name in ("before", "wave"):
            check_words(self, "wave", FILE, name)
            if not getattr(self, name):
                refuse("wave", name, FILE, "at least one cohort", getattr(self, name))
        if both := sorted(set(self.before) & set(self.wave)):
            refuse("wave", "wave", FILE, "cohorts that wave.before does not name", both)
        check_numbers(
            self,
            "wave",
            FILE,
            known_share=INNER_SHARE,
            usual_share=INNER_SHARE,
            new_share=INNER_SHARE,
            false_positive_rate=INNER_SHARE,
            batch=Allowed(least=2, whole=True),
            labels=COUNT,
            folds=Allowed(least=2, whole=True),
        )
        if self.known_share + self.usual_share >= 1:
            allowed = f"below {1 - self.known_share:g}, so that quiet batches have somebody"
            refuse("wave", "usual_share", FILE, allowed, self.usual_share)


@dataclass(frozen=True)
class Cast:
    """The entities by their part in the story.

    Attributes:
        known: What the champion learns from, in an order that means nothing.
        usual: The part of the background that tells the monitor what is usual.
        quiet: The others of the background before the wave, with ``batch`` (from 0).
        arrivals: The whole background, evenly among it the wave in order of time, with ``batch``
            (from 0), ``is_new`` (of the wave) and ``fold`` (the part it is judged in).
    """

    known: pd.DataFrame
    usual: pd.DataFrame
    quiet: pd.DataFrame
    arrivals: pd.DataFrame


def cast_of(rows: pd.DataFrame, options: WaveOptions, seed: int) -> Cast:
    """Deal out the entities; the same rows and seed give the same, whatever the rows' order.

    Args:
        rows: One row per entity: ``entity_id``, ``as_of`` (when it arrives), ``label``,
            ``cohort``, and the features.
        options: Who is known, who is new.
        seed: Seed of who is known, of the background's order, and of the folds.

    Returns:
        The parts. The quiet batches are as many as the wave's: when all of that part have
        come they come again, in another order.

    Raises:
        NotEnoughDataError: A part is empty.
        SchemaError: A column is missing.
    """
    if missing := sorted({"entity_id", "as_of", "label", "cohort"} - set(rows.columns)):
        raise SchemaError(f"a wave needs {missing}; got {list(rows.columns)}")
    old = rows[rows["cohort"].isin(options.before)]
    die = hash_share(old["entity_id"], f"part {seed}")
    known, held_back = die < options.known_share, die >= options.known_share
    usual = held_back & (die < options.known_share + options.usual_share)
    wave = rows[rows["cohort"].isin(options.wave)].sort_values(["as_of", "entity_id"])
    parts = {
        "known": old[known],
        "usual": old[usual],
        "quiet": old[held_back & ~usual],
        "new": wave,
    }
    for name, members in parts.items():
        if members.empty:
            raise NotEnoughDataError(
                f"wave: nobody is {name}; check wave.before {list(options.before)} and wave.wave "
                f"{list(options.wave)} against the column cohort"
            )
    arrivals = _interleave(_shuffle(old[held_back], f"wave {seed}"), wave)
    batch = number_batches(len(arrivals), options.batch)
    folds = hash_share(arrivals["entity_id"], f"fold {seed}") * options.folds
    return Cast(
        known=_shuffle(parts["known"], f"order {seed}"),
        usual=_shuffle(parts["usual"], f"usual {seed}"),
        quiet=in_rounds(parts["quiet"], len(arrivals), f"quiet {seed}").assign(batch=batch),
        arrivals=arrivals.assign(
            batch=batch,
            is_new=arrivals["cohort"].isin(options.wave),
            fold=folds.astype(np.int64),
        ),
    )


def number_batches(rows: int, size: int) -> NDArray[np.int64]:
    """Cut rows into batches of nearly ``size``; gives the batch of each row, from 0.

    Args:
        rows: How many there are, in order.
        size: How many to a batch; what is left over is spread over the batches.
    """
    batches = max(1, rows // size)
    return np.arange(rows) * batches // max(rows, 1)


def in_rounds(members: pd.DataFrame, rows: int, salt: str) -> pd.DataFrame:
    """Let members come again and again, each time all of them in another order.

    Args:
        members: One row per entity; ``entity_id``.
        rows: How many rows to give.
        salt: What the orders derive from.
    """
    rounds = -(-rows // len(members))
    shuffled = [_shuffle(members, f"{salt} {number}") for number in range(rounds)]
    return pd.concat(shuffled, ignore_index=True)[:rows]


def _shuffle(rows: pd.DataFrame, salt: str) -> pd.DataFrame:
    order = np.argsort(hash_share(rows["entity_id"], salt), kind="stable")
    return rows.iloc[order].reset_index(drop=True)


def _interleave(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Spread both evenly over the same time, each in its own order."""
    times = [(np.arange(len(each)) + 0.5) / len(each) for each in (first, second)]
    order = np.argsort(np.concatenate(times), kind="stable")
    return pd.concat([first, second]).iloc[order].reset_index(drop=True)
