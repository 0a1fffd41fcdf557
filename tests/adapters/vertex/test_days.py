"""A schedule's day is known when it runs: the last UTC day that was over when it was due."""

import pytest

pytest.importorskip("kedro_vertexai", reason="make install-gcp installs it")

from ucu_mlops.adapters.vertex.days import LAST_DAY, named_days
from ucu_mlops.errors import ConfigurationError

DATES = ("as_of", "end", "start")


@pytest.mark.parametrize(
    ("scheduled", "day"),
    [
        ("2026-04-02T06:30:00Z", "2026-04-01"),
        ("2026-04-02T00:00:00.123456789Z", "2026-04-01"),
        ("2026-04-02T01:30:00+02:00", "2026-03-31"),
        ("2026-04-01T23:59:59-07:00", "2026-04-01"),
    ],
    ids=["morning", "midnight", "east", "west"],
)
def test_the_last_complete_day_is_utcs(scheduled, day):
    """Whatever zone the moment is written in; a day that was given, and text, stay as they are."""
    given = {"as_of": LAST_DAY, "start": "2026-01-01", "note": LAST_DAY}
    assert named_days(given, DATES, scheduled) == {**given, "as_of": day}


@pytest.mark.parametrize("scheduled", ["", "2026-04-02T06:30:00", "{{$.something}}"])
def test_without_a_moment_no_day_is_guessed(scheduled):
    """One line that says which parameter, and what to give; days that are given need no moment."""
    with pytest.raises(ConfigurationError, match=r"^as_of=last-complete-day needs .*got '[^\n]*$"):
        named_days({"as_of": LAST_DAY}, DATES, scheduled)
    assert named_days({"as_of": "2026-04-01"}, DATES, scheduled) == {"as_of": "2026-04-01"}
