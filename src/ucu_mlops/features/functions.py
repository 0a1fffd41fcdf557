"""Aggregates that are written in Python, under the short names by which groups use them.

Each gets the events that a row may see, so none of them can look ahead, and gives one number per
row. To add one, write it here and register it below; analysts then name it like any aggregate.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from inspect import getsource

import ibis

ROW = ("entity_id", "day")
DECIMALS = 9  # sums are added in no fixed order: the last digits are noise, which trees would split
SPREAD_DECIMALS = 6  # a spread is the root of such a sum


@dataclass(frozen=True)
class Registered:
    """An aggregate written in Python.

    Attributes:
        compute: From one row per row and event that it may see, in its window and meeting its
            condition, to one row per row with the number. In: ``entity_id``, ``day``, ``occurred``
            (int64, days since 1970-01-01), ``second`` (int64, seconds since 1970-01-01 UTC) and,
            if it needs a column, ``value`` (never null). Out: ``entity_id``, ``day``, ``result``.
        needs: ``nothing``, ``values`` of any type to tell apart, or ``numbers``.
        meaning: In words, for those who use it.
    """

    compute: Callable[[ibis.Table], ibis.Table]
    needs: str
    meaning: str

    @property
    def code(self) -> str:
        """Hash of the function's source text: another text, another definition."""
        return blake2b(getsource(self.compute).encode(), digest_size=8).hexdigest()


def entropy(seen: ibis.Table) -> ibis.Table:
    """Compute Shannon's entropy of the values, in nats; 0 if all are the same.

    References:
        Shannon (1948), "A mathematical theory of communication".
    """
    counts = seen.group_by(*ROW, "value").aggregate(n=seen.count().cast("float64"))
    total = counts["n"].sum()
    spread = total.ln() - (counts["n"] * counts["n"].ln()).sum() / total
    return counts.group_by(*ROW).aggregate(result=spread.round(DECIMALS))


def once_share(seen: ibis.Table) -> ibis.Table:
    """Compute which share of the different values occurs once."""
    counts = seen.group_by(*ROW, "value").aggregate(n=seen.count())
    return counts.group_by(*ROW).aggregate(result=(counts["n"] == 1).mean())


def median(seen: ibis.Table) -> ibis.Table:
    """Compute the middle value; between two middle ones, their mean."""
    order = ibis.window(group_by=ROW, order_by="value")
    placed = seen.mutate(
        place=ibis.row_number().over(order), n=seen.count().over(ibis.window(group_by=ROW))
    )
    # Places count from 0: of 4 values the places 1 and 2 are in the middle, of 5 place 2.
    middle = placed.filter((2 * placed["place"] - placed["n"] + 1).abs() <= 1)
    return middle.group_by(*ROW).aggregate(result=middle["value"].mean())


def burstiness(seen: ibis.Table) -> ibis.Table:
    """Compute how uneven the gaps between events are: -1 if regular, 0 if random, 1 if in bursts.

    Unknown for fewer than two gaps, or if all are 0.

    References:
        Goh and Barabási (2008), "Burstiness and memory in complex systems",
        doi:10.1209/0295-5075/81/48002.
    """
    previous = seen["second"].lag().over(ibis.window(group_by=ROW, order_by="second"))
    gaps = seen.mutate(gap=(seen["second"] - previous).cast("float64"))
    spread, mean = gaps["gap"].std(how="pop"), gaps["gap"].mean()
    found = gaps.group_by(*ROW).aggregate(
        result=((spread - mean) / (spread + mean).nullif(0.0)).round(SPREAD_DECIMALS),
        n=gaps["gap"].count(),
    )
    return found.filter(found["n"] > 1).drop("n")


def new_share(seen: ibis.Table) -> ibis.Table:
    """Compute which share of the day's different values the window had not seen before the day.

    Of recipients: how much of a day goes to strangers. Unknown if the day has no event.
    """
    values = seen.group_by(*ROW, "value").aggregate(
        first=seen["occurred"].min(), last=seen["occurred"].max()
    )
    todays = values.filter(values["last"] == values["day"])
    return todays.group_by(*ROW).aggregate(result=(todays["first"] == todays["day"]).mean())


REGISTERED: Mapping[str, Registered] = {
    "entropy": Registered(entropy, "values", "entropy (in nats) of the values"),
    "once_share": Registered(once_share, "values", "share of the values that occur once"),
    "median": Registered(median, "numbers", "middle value"),
    "burstiness": Registered(burstiness, "nothing", "unevenness of the gaps, -1 to 1"),
    "new_share": Registered(new_share, "values", "share of the day's values that are new"),
}
