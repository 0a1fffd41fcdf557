"""Experiments made up for tests."""

from datetime import date

from ucu_mlops.experiments.definition import Experiment

FIRST = date(2026, 4, 1)


def experiment(**changed):
    """Make an experiment of version 2 beside the champion, in which all take part."""
    given = {
        "name": "newer",
        "model": "scam",
        "variants": {"control": "champion", "candidate": "2"},
        "ramp": {FIRST: 1.0},
    }
    return Experiment(**{**given, **changed})
