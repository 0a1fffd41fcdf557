"""What live traffic says of a version, as the gate hears it."""

from datetime import date

import ibis
import pandas as pd
import pytest

from ucu_mlops.release.online import not_lost_online, said_online

SCHEMA = {"as_of": "date", "experiment": "string", "version": "string", "verdict": "string"}


def table(*rows):
    """Make verdicts of days of April."""
    dated = [(date(2026, 4, day), *others) for day, *others in rows]
    return ibis.memtable(pd.DataFrame(dated, columns=[*SCHEMA]), schema=SCHEMA)


def test_the_last_verdict_of_each_experiment_counts():
    """Later days, other versions and what was said before are passed over."""
    verdicts = table(
        (1, "a", "2", "undecided"),
        (3, "a", "2", "win"),
        (9, "a", "2", "loss"),
        (2, "b", "2", "guardrail"),
        (3, "c", "7", "loss"),
    )
    assert sorted(said_online(verdicts, "2", date(2026, 4, 5))) == ["guardrail", "win"]
    assert said_online(verdicts, "2", date(2026, 4, 1)) == ["undecided"]
    assert said_online(table(), "2", date(2026, 4, 1)) == []


@pytest.mark.parametrize(
    ("verdicts", "holds"),
    [([], True), (["win", "undecided"], True), (["loss"], False), (["win", "guardrail"], False)],
)
def test_what_speaks_against_it_keeps_the_champion(verdicts, holds):
    """A loss, a breached guardrail or an invalid experiment fails, whatever another one says."""
    assert not_lost_online(verdicts).holds == holds
    assert not_lost_online(["invalid"]).measured == 1
