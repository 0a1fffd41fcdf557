"""What is said of a variant, and when."""

from datetime import timedelta

import pandas as pd
import pytest

from tests.experiments.made import FIRST, experiment
from ucu_mlops.experiments.verdict import judge_variant

NAMES = ("entities", "cases", "failed", "confirmed", "latency", "latency_squares")


def arms(days, control, candidate):
    """Make arms of the same every day: (entities, cases, failed, confirmed, mean latency)."""
    rows = []
    for number in range(days):
        for variant, (n, cases, failed, confirmed, latency) in (
            ("control", control),
            ("candidate", candidate),
        ):
            sums = latency * n, (latency**2 + 1) * n
            day = FIRST + timedelta(days=number)
            rows.append((variant, day, n, cases, failed, confirmed, *sums))
    return pd.DataFrame(rows, columns=["variant", "day", *NAMES])


def said(days, control, candidate, after=0, **changed):
    """Judge the candidate some days after the last entry."""
    chosen = experiment(maturity_days=7, **changed)
    as_of = FIRST + timedelta(days=days - 1 + after)
    return judge_variant(arms(days, control, candidate), chosen, "candidate", as_of)


GOOD = (1_000, 40, 0, 10, 5.0)


@pytest.mark.parametrize(
    ("candidate", "verdict"),
    [
        (GOOD, "undecided"),
        ((1_000, 40, 0, 20, 5.0), "win"),
        ((1_000, 40, 0, 3, 5.0), "loss"),
        ((1_000, 90, 0, 20, 5.0), "guardrail"),
        ((1_000, 40, 80, 20, 5.0), "guardrail"),
        ((1_000, 40, 0, 20, 90.0), "guardrail"),
        ((1_200, 40, 0, 20, 5.0), "invalid"),
    ],
)
def test_each_verdict(candidate, verdict):
    """Equal, better, worse, too many cases, errors, too slow, dealt otherwise."""
    report = said(14, GOOD, candidate, after=14)
    assert report["verdict"] == verdict
    assert (report["since"] is None) == (verdict == "undecided")
    assert len(report["reasons"]) == 1


def test_outcomes_count_only_when_their_time_is_over():
    """Before the first week is over nothing is settled, however much was confirmed."""
    early = said(6, GOOD, (1_000, 40, 0, 40, 5.0))
    assert (early["verdict"], early["effect"]) == ("undecided", None)
    assert [arm["settled"] for arm in early["arms"].values()] == [0, 0]
    week = said(7, GOOD, (1_000, 40, 0, 40, 5.0))
    assert [arm["settled"] for arm in week["arms"].values()] == [1_000, 1_000]


def test_a_verdict_stays_what_it_was_first():
    """The day it was first beyond doubt is told, and more days do not change it."""
    first = said(30, GOOD, (1_000, 40, 0, 20, 5.0))
    later = said(30, GOOD, (1_000, 40, 0, 20, 5.0), after=20)
    assert first["verdict"] == later["verdict"] == "win"
    assert first["since"] == later["since"]
    assert [each["day"] for each in later["days"]] == sorted(each["day"] for each in later["days"])


def test_few_cases_are_not_judged():
    """With 18 confirmed in both arms the effect is not told; the reason says how many it takes."""
    report = said(9, (100, 4, 0, 2, 5.0), (100, 4, 0, 4, 5.0), after=0)
    assert report["effect"] is None
    assert report["reasons"] == ["18 confirmed cases in both arms, 20 are needed"]


def test_more_variants_ask_for_more():
    """With two challengers the interval of each is wider than with one."""
    three = {"control": "champion", "candidate": "2", "other": "3"}
    alone, beside = (
        said(14, GOOD, GOOD, after=14, **changed)["effect"]
        for changed in (
            {},
            {"variants": three, "shares": {"control": 0.4, "candidate": 0.4, "other": 0.2}},
        )
    )
    assert beside["high"] > alone["high"]
