"""Training again that does not help stops, rests, and is tried once more."""

from datetime import date, timedelta

import pytest

from ucu_mlops.monitoring.breaker import BreakerOptions, PastDecision, breaker_of

FIRST = date(2026, 4, 1)
OPTIONS = BreakerOptions(retrainings=3, calm_days=3, rest_days=10)
ACTIONS = {"r": "retrain", "w": "none", "q": "none", "f": "data_fault"}


def breaker(letters, later="", *, knows_more=False):
    """Tell the breaker on the day after ``letters``: retrain, wait with causes, quiet, fault."""
    past = [
        PastDecision(FIRST + timedelta(days=number), ACTIONS[letter], letter in "rw")
        for number, letter in enumerate(letters + later)
    ]
    as_of = FIRST + timedelta(days=len(letters))
    return breaker_of(reversed(past), as_of, OPTIONS, knows_more=knows_more)


@pytest.mark.parametrize(
    ("letters", "state", "in_a_row"),
    [
        ("", "closed", 0),
        ("rwwrww", "closed", 2),
        ("rwwrwwr", "open", 3),
        ("rwwrwwrqqq", "closed", 0),
        ("rqqwrqwrq", "open", 3),
        ("rqqqrqqqrqqq", "closed", 0),
        ("rrrfffw", "open", 3),
        ("rrr" + 9 * "w", "half-open", 3),
        ("rrr" + 9 * "w" + "r", "open", 4),
    ],
    ids=[
        "nothing asked",
        "twice is not thrice",
        "thrice, and the reasons stayed",
        "calm closes it",
        "two calm days are too few",
        "each helped",
        "faults tell nothing",
        "rested",
        "tried once more in vain",
    ],
)
def test_counts_trainings_without_gain(letters, state, in_a_row):
    """Reasons that stay count against training again; calm days absolve it."""
    found = breaker(letters)
    assert (found["state"], found["in_a_row"]) == (state, in_a_row)


def test_far_more_to_learn_from_is_a_reason_to_try():
    """An open breaker is half-open while far more is known than then; a closed one stays closed."""
    assert breaker("rrr", knows_more=True)["state"] == "half-open"
    assert breaker("rrr" + "r", knows_more=False)["state"] == "open"
    assert breaker("rwr", knows_more=True)["state"] == "closed"


def test_later_decisions_are_not_known():
    """A day decided again counts what was known then."""
    assert breaker("rwr", later="rrr") == breaker("rwr")
