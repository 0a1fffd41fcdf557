"""What live traffic says of a version: the gate hears the experiments that it took part in."""

from collections.abc import Sequence
from datetime import date

import ibis.expr.types as ir

from ucu_mlops.release.conditions import Condition

WON = "win"
AGAINST = {"loss", "guardrail", "invalid"}


def said_online(verdicts: ir.Table, version: str, as_of: date) -> list[str]:
    """Look up what its experiments say of a version by a day: the last verdict of each.

    Args:
        verdicts: One row per day and variant of an experiment: ``as_of`` (date), ``experiment``,
            ``version`` and ``verdict`` (string).
        version: The version.
        as_of: The day.
    """
    mine = verdicts.filter(verdicts["version"] == version, verdicts["as_of"] <= as_of)
    found = mine.select("as_of", "experiment", "verdict").execute().sort_values("as_of")
    return [*found.drop_duplicates("experiment", keep="last")["verdict"]]


def not_lost_online(verdicts: Sequence[str]) -> Condition:
    """Ask that no experiment on live traffic speaks against the challenger.

    Args:
        verdicts: What is said of it by now in each of its experiments.
    """
    against = sum(each in AGAINST for each in verdicts)
    return Condition("not_lost_online", not against, against, 0)
