"""The kinds of people on the platform, as one table of numbers.

Each kind of scammer looks like somebody honest in every single respect: busy sellers write as
much as mass messengers, sharers post as many links as link spammers, couples are as warm as
romance scammers, travellers sign in from as many countries as those who took an account over.
What gives them away is where all habits meet: the honest scatter widely on both sides.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ucu_mlops.simulation.behaviour import Behaviour


@dataclass(frozen=True)
class Kind:
    """A kind of person.

    Attributes:
        name: What the truth calls it.
        share: Its share among the honest, or among the scammers.
        is_scammer: Whether moderators should confirm it.
        behaviour: How it behaves.
    """

    name: str
    share: float
    is_scammer: bool
    behaviour: Behaviour


ORDINARY = Behaviour(
    activity=(0.45, 5),
    messages=(1.9, 0.9),
    circle=(6, 0.5),
    strangers=(0.2, 5),
    links=(0.06, 8),
    replies=(0.5, 6),
    mood=(0.12, 0.2),
    chars=(45, 0.4),
    sessions=(0.4, 0.5),
    duration=(240, 0.6),
    night=(0.1, 8),
    abroad=(0.03, 3),
    reported=(0.0003, 1.0),
    completeness=(0.55, 4),
    verified=(0.75, 2),
)


HONEST = (
    Kind("ordinary", 0.6, False, ORDINARY),
    Kind("traveller", 0.03, False, replace(ORDINARY, activity=(0.6, 6), abroad=(0.4, 2))),
    Kind(
        "seller",
        0.15,
        False,
        replace(
            ORDINARY,
            activity=(0.7, 6),
            messages=(6.2, 0.8),
            circle=(15, 0.5),
            strangers=(0.65, 6),
            links=(0.2, 4),
            replies=(0.33, 6),
            sessions=(0.9, 0.5),
            reported=(0.00055, 1.0),
        ),
    ),
    Kind(
        "sharer",
        0.09,
        False,
        replace(ORDINARY, messages=(3.0, 0.9), links=(0.4, 4), replies=(0.35, 6), chars=(60, 0.4)),
    ),
    Kind(
        "close",
        0.1,
        False,
        replace(
            ORDINARY,
            activity=(0.65, 6),
            messages=(5.0, 0.8),
            circle=(3, 0.4),
            strangers=(0.15, 6),
            replies=(0.58, 6),
            mood=(0.4, 0.2),
            chars=(85, 0.5),
            duration=(500, 0.7),
            night=(0.25, 5),
        ),
    ),
    Kind(
        "arguer",
        0.03,
        False,
        replace(ORDINARY, messages=(4.0, 0.9), mood=(-0.15, 0.2), reported=(0.003, 0.7)),
    ),
)

# Scripts are regular: a scammer's habits scatter a fifth to a half as far as those of the honest
# whom they resemble, so that no habit alone and no sum of habits tells much, but all of them
# together do. Few victims report: else moderators found nearly all without any model.
SCRIPTED = replace(
    ORDINARY,
    activity=(0.75, 40),
    messages=(6.0, 0.2),
    links=(0.06, 60),
    replies=(0.5, 60),
    mood=(0.12, 0.1),
    chars=(45, 0.08),
    sessions=(1.0, 0.1),
    duration=(240, 0.1),
    night=(0.1, 60),
    reported=(0.004, 0.8),
    completeness=(0.48, 4),
    verified=(0.6, 2),
)

SCAMMERS = (
    Kind(
        "mass_messenger",
        0.3,
        True,
        replace(
            SCRIPTED,
            messages=(7.0, 0.2),
            circle=(8, 0.5),
            strangers=(0.66, 60),
            links=(0.13, 60),
            replies=(0.22, 60),
            chars=(50, 0.08),
        ),
    ),
    Kind(
        "link_spammer",
        0.25,
        True,
        replace(
            SCRIPTED,
            strangers=(0.5, 60),
            links=(0.45, 60),
            replies=(0.24, 60),
            mood=(0.2, 0.1),
            chars=(60, 0.08),
            duration=(200, 0.1),
        ),
    ),
    Kind(
        "romance",
        0.22,
        True,
        replace(
            SCRIPTED,
            circle=(4, 0.3),
            strangers=(0.3, 60),
            mood=(0.46, 0.1),
            chars=(110, 0.08),
            duration=(620, 0.1),
            night=(0.36, 60),
            abroad=(0.25, 8),
            reported=(0.003, 0.8),
            completeness=(0.68, 5),
        ),
    ),
    Kind(
        "taken_over",
        0.23,
        True,
        replace(
            SCRIPTED,
            strangers=(0.5, 60),
            links=(0.25, 60),
            replies=(0.24, 60),
            duration=(180, 0.1),
            abroad=(0.5, 20),
        ),
    ),
)

# Offers of work, from seldom used accounts that their owners sold: the victims answer an advert, so
# they write first, and are kept in talk. What gives the kinds above away (links, unanswered
# messages, long letters) is as rare as among the honest; each habit lies among theirs, and only all
# of them together do not. Who has paid a fee for nothing reports it more often than others do.
NEW_SCAMMER = Kind(
    "recruiter",
    0.0,
    True,
    replace(
        SCRIPTED,
        activity=(0.8, 80),
        messages=(7.0, 0.12),
        circle=(9, 0.3),
        strangers=(0.32, 100),
        links=(0.05, 150),
        replies=(0.785, 150),
        mood=(0.43, 0.04),
        chars=(29, 0.05),
        sessions=(0.85, 0.1),
        duration=(450, 0.06),
        night=(0.27, 120),
        abroad=(0.25, 1.5),
        reported=(0.012, 0.5),
    ),
)

KINDS = (*HONEST, *SCAMMERS, NEW_SCAMMER)
KIND_NAMES = tuple(kind.name for kind in KINDS)
TAKEN_OVER = KIND_NAMES.index("taken_over")
RECRUITER = KIND_NAMES.index("recruiter")
IS_SCAMMER = np.array([kind.is_scammer for kind in KINDS])


def draw_kinds(rng: np.random.Generator, kinds: Sequence[Kind], n: int) -> NDArray[np.int64]:
    """Draw who is of which kind.

    Args:
        rng: Where the numbers come from.
        kinds: The kinds to choose from, by their shares.
        n: How many people.

    Returns:
        Positions in ``KINDS``, shape (n,).
    """
    shares = np.array([kind.share for kind in kinds])
    drawn = rng.choice(len(kinds), size=n, p=shares / shares.sum())
    return np.array([KIND_NAMES.index(kind.name) for kind in kinds])[drawn]
