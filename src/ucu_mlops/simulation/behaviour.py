"""How people behave: a distribution for each thing a person does, and draws from it."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields

import numpy as np
from numpy.typing import NDArray

Spread = tuple[float, float]


@dataclass(frozen=True)
class Behaviour:
    """How one kind behaves: a centre and a spread for each thing a person does.

    A share is Beta distributed (mean, concentration), an amount log-normal (median, sigma), the
    mood normal (mean, standard deviation).

    Attributes:
        activity: Share of days with any session.
        messages: Amount of messages on an active day.
        circle: Amount of regular contacts.
        strangers: Share of messages to somebody outside the circle.
        links: Share of messages with a link.
        replies: Share of messages that answer one.
        mood: Mean sentiment of the messages, -1 to 1.
        chars: Amount of characters in a message.
        sessions: Amount of sessions on an active day beyond the first.
        duration: Amount of seconds in a session.
        night: Share of what happens between midnight and five.
        abroad: Share of sessions from a foreign address.
        reported: Amount of reports that one message draws, far below 1.
        completeness: Share of the profile that is filled in.
        verified: Share of verified phones.
    """

    activity: Spread
    messages: Spread
    circle: Spread
    strangers: Spread
    links: Spread
    replies: Spread
    mood: Spread
    chars: Spread
    sessions: Spread
    duration: Spread
    night: Spread
    abroad: Spread
    reported: Spread
    completeness: Spread
    verified: Spread


NAMES = tuple(field.name for field in fields(Behaviour))
AMOUNTS = frozenset({"messages", "circle", "chars", "sessions", "duration", "reported"})


def draw_behaviour(
    rng: np.random.Generator, kinds: NDArray[np.int64], behaviours: Sequence[Behaviour]
) -> NDArray[np.float32]:
    """Draw each person's own behaviour around that of the kind.

    Args:
        rng: Where the numbers come from.
        kinds: Positions in ``behaviours``, shape (people,).
        behaviours: What is usual, one per kind.

    Returns:
        Shape (people, behaviours), columns as in ``NAMES``.
    """
    table = np.array([astuple(behaviour) for behaviour in behaviours])
    drawn = np.empty((len(kinds), len(NAMES)), dtype=np.float32)
    for column, name in enumerate(NAMES):
        centre, spread = table[kinds, column].T
        if name in AMOUNTS:
            drawn[:, column] = centre * np.exp(spread * rng.standard_normal(len(kinds)))
        elif name == "mood":
            drawn[:, column] = rng.normal(centre, spread)
        else:
            drawn[:, column] = rng.beta(centre * spread, (1 - centre) * spread)
    return drawn
