"""What an experiment's configuration may say."""

import re
from datetime import date

import pytest

from tests.experiments.made import FIRST
from ucu_mlops.errors import ConfigurationError
from ucu_mlops.experiments.definition import Guardrails, parse_experiments

GOOD = {
    "model": "scam",
    "variants": {"control": "champion", "candidate": 7},
    "ramp": {"2026-04-01": 0.1, date(2026, 4, 3): 1},
}


def test_configuration_is_read():
    """Days as text or dates, versions as numbers, what is left out is default."""
    (found,) = parse_experiments({"newer": {**GOOD, "guardrails": {"cases_ratio": 2}}}).values()
    assert found.variants == {"control": "champion", "candidate": "7"}
    assert found.shares == {"control": 0.5, "candidate": 0.5}
    assert (found.control, found.challengers) == ("control", ("candidate",))
    assert [found.exposure(FIRST.replace(day=day)) for day in (1, 2, 3)] == [0.1, 0.1, 1]
    assert found.guardrails == Guardrails(cases_ratio=2)
    assert parse_experiments(None) == {}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"variants": {"control": "champion"}}, "variants"),
        ({"variants": {"control": "champion", "b": "newest"}}, "variants.b"),
        ({"variants": ["champion", "2"]}, "variants"),
        ({"shares": {"control": 0.5, "candidate": 0.4}}, "together 1"),
        ({"shares": {"control": 1.0}}, "shares"),
        ({"ramp": {}}, "ramp"),
        ({"ramp": {"2026-04-01": 0.5, "2026-04-02": 0.4}}, "no smaller shares"),
        ({"ramp": {"2026-04-02": 0.5, "2026-04-01": 0.6}}, "later days"),
        ({"ramp": {"soon": 0.5}}, "days such as"),
        ({"ramp": {"2026-04-01": 1.5}}, "at most 1"),
        ({"ramp": {"2026-04-01": "half"}}, "at most 1"),
        ({"ends": "never"}, "ends"),
        ({"shadow": "yes"}, "true or false"),
        ({"shadow": True, "variants": {"control": "6", "b": "7"}}, "in a shadow"),
        ({"shadow": True, "variants": {"control": "champion", "b": "champion"}}, "in a shadow"),
        ({"alpha": 0}, "alpha"),
        ({"guardrails": {"cases_ratio": 1}}, "cases_ratio"),
        ({"guardrails": {"cost": 1}}, "cost"),
        ({"model": None}, "model"),
        ({"split": 0.5}, "split"),
    ],
)
def test_nonsense_is_refused_in_one_line(changed, said):
    """One line names the file, the key and what is allowed."""
    with pytest.raises(ConfigurationError, match=re.escape(said)) as refused:
        parse_experiments({"newer": {**GOOD, **changed}})
    assert "experiments.yml" in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("raw", [["newer"], {"newer": None}, {"new er": GOOD}, {"newer": {}}])
def test_no_experiments_at_all_are_refused(raw):
    """A list, an empty one, a name with a space."""
    with pytest.raises(ConfigurationError, match=r"experiments\.yml"):
        parse_experiments(raw)


@pytest.mark.parametrize(
    ("first", "second", "overlap"),
    [
        ({"ends": "2026-04-10"}, {"ramp": {"2026-04-11": 1}}, False),
        ({"ends": "2026-04-10"}, {"ramp": {"2026-04-10": 1}}, True),
        ({}, {"ramp": {"2027-01-01": 1}}, True),
        ({}, {"shadow": True}, False),
        ({}, {"model": "images"}, False),
    ],
)
def test_two_experiments_never_split_the_same_requests(first, second, overlap):
    """On one day one experiment splits a model's requests; shadows and other models go beside."""
    raw = {"one": {**GOOD, **first}, "two": {**GOOD, **second}}
    if overlap:
        with pytest.raises(ConfigurationError, match=r"two\.ramp must be after one ends"):
            parse_experiments(raw)
    else:
        assert [*parse_experiments(raw)] == ["one", "two"]
