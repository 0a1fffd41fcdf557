"""Declarations are written out as meant, and every mistake in them is one clear line."""

from copy import deepcopy
from dataclasses import replace

import pytest

from ucu_mlops.errors import ConfigurationError
from ucu_mlops.features import functions
from ucu_mlops.features.declarations import parse_declarations
from ucu_mlops.features.groups import Aggregate

RAW = {
    "sources": {
        "messages": {"entity": "user_id", "occurred": "occurred_at", "ingested": "ingested_at"},
        "users": {"entity": "user_id", "occurred": "signed_up_at"},
    },
    "labels": {"entity": "user_id", "as_of": "day", "label": "is_scam"},
    "messages": {
        "description": "What a user writes.",
        "source": "messages",
        "windows": [1, 7],
        "features": {
            "sent": {"aggregate": "count"},
            "links": {"aggregate": "share", "where": {"has_link": True}, "windows": [7, "life"]},
            "since_last": {"aggregate": "time_since", "of": "last"},
        },
        "ratios": {"haste": {"numerator": "sent_7d", "denominator": "since_last"}},
    },
    "profile": {
        "description": "Who a user is.",
        "source": "users",
        "attributes": {"country": "categorical", "completeness": "numeric"},
    },
}


def changed(path: str, value: object = None) -> dict:
    """Return the declarations with the value at a dotted path replaced, or removed if None."""
    raw = deepcopy(RAW)
    *parents, last = path.split(".")
    place = raw
    for key in parents:
        place = place[key]
    place.pop(last, None)
    if value is not None:
        place[last] = value
    return raw


def definition(raw: dict) -> str:
    """Return the definition of the group ``messages``."""
    return parse_declarations(raw).group_of("sent_1d").definition


def test_a_unit_is_for_people():
    """A unit is that of all windows, time since has its own, and a word makes no new feature."""
    raw = changed("messages.features.sent", {"aggregate": "count", "unit": "messages"})
    units = parse_declarations(raw).units
    assert units == {"sent_1d": "messages", "sent_7d": "messages", "since_last": "days"}
    assert definition(raw) == definition(RAW)


def test_features_are_written_out_per_window():
    """A name ends in its window, in days or ``life``; time, ratios and attributes have none."""
    messages, profile = parse_declarations(RAW).groups
    names = [feature.name for feature in messages.features]
    assert names == ["sent_1d", "sent_7d", "links_7d", "links_life", "since_last", "haste"]
    assert {each.name: each.kind for each in profile.features} == {
        "country": "categorical",
        "completeness": "numeric",
    }


def test_the_order_of_files_does_not_matter():
    """Groups come in one order, whatever order Kedro read the files in."""
    backwards = parse_declarations(dict(reversed(RAW.items())))
    assert [group.name for group in backwards.groups] == ["messages", "profile"]
    assert backwards.groups == parse_declarations(RAW).groups


def test_a_feature_knows_its_group():
    """A model names features; their group and definition follow from the name."""
    declared = parse_declarations(RAW)
    assert declared.group_of("country").name == "profile"
    assert declared.feature("links_life") == Aggregate(
        "links_life", "numeric", "share", None, where=(("has_link", (True,)),)
    )


def test_a_smaller_group_keeps_what_its_ratios_need():
    """Only what was asked for is computed, under the definition of the whole."""
    group = parse_declarations(RAW).group_of("haste")
    smaller = group.only(["haste"])
    assert [feature.name for feature in smaller.features] == ["sent_7d", "since_last", "haste"]
    assert smaller.definition == group.definition


@pytest.mark.parametrize(
    "same",
    [
        changed("messages.description", "Said otherwise."),
        changed("messages.features", dict(reversed(RAW["messages"]["features"].items()))),
        changed("profile"),
    ],
    ids=["words", "order", "another group"],
)
def test_what_does_not_matter_keeps_the_definition(same):
    """Stored features stay good when only words, order or another group change."""
    assert definition(same) == definition(RAW)


@pytest.mark.parametrize(
    "other",
    [
        changed("messages.windows", [1, 7, 14]),
        changed("messages.features.links.where", {"has_link": False}),
        changed("messages.ratios.haste.numerator", "sent_1d"),
        changed("sources.messages.ingested"),
        changed("messages.features.more", {"aggregate": "sum", "column": "n"}),
        changed("messages.features.since_last.of", "first"),
    ],
    ids=["windows", "condition", "ratio", "source", "one more", "first or last"],
)
def test_what_changes_values_changes_the_definition(other):
    """Whatever decides the values is part of the definition."""
    assert definition(other) != definition(RAW)


def test_the_code_of_a_function_is_part_of_the_definition(monkeypatch):
    """A registered function that is written otherwise makes another definition."""
    raw = changed("messages.features.kinds", {"aggregate": "entropy", "column": "n"})
    before = definition(raw)
    assert definition(raw) == before

    def entropy(seen):
        return functions.entropy(seen)

    other = replace(functions.REGISTERED["entropy"], compute=entropy)
    monkeypatch.setitem(functions.REGISTERED, "entropy", other)
    assert definition(raw) != before


def test_a_group_without_its_source_is_dormant():
    """An environment with other sources is not bothered by groups that it inherits."""
    declared = parse_declarations(changed("sources", {"users": RAW["sources"]["users"]}))
    assert [group.name for group in declared.groups] == ["profile"]
    assert [group.name for group in declared.dormant] == ["messages"]
    with pytest.raises(ConfigurationError, match=r"'sent_7d' is not available: group 'messages'"):
        declared.feature("sent_7d")


def test_a_dormant_group_takes_no_names():
    """Names need to differ among the groups that can be computed, not among all."""
    raw = changed("sources", {"users": RAW["sources"]["users"]})
    raw["profile"]["attributes"]["since_last"] = "numeric"
    assert parse_declarations(raw).group_of("since_last").name == "profile"


MISTAKES = {
    "no sources": (changed("sources"), r"top level: lacks \['sources'\]"),
    "source without time": (
        changed("sources.users.occurred"),
        r"source 'users': lacks \['occurred'\]",
    ),
    "unknown key of a source": (
        changed("sources.users.occured", "x"),
        r"source 'users': unknown key 'occured'.*did you mean 'occurred'\?",
    ),
    "labels without label": (changed("labels.label"), r"'labels': lacks \['label'\]"),
    "derived by no way": (
        changed("messages.columns", {"gap": {"since": "any"}}),
        r"group 'messages', columns, 'gap': unknown key 'since'",
    ),
    "derived in two ways": (
        changed("messages.columns", {"gap": {"seconds_since": "any", "running_sum": "n"}}),
        r"columns, 'gap': must have one of \['seconds_since', 'running_sum'\]",
    ),
    "a sum that takes from seconds": (
        changed("messages.columns", {"gap": {"seconds_since": "any", "minus": {"n": 1}}}),
        r"columns, 'gap': unknown key 'minus'; allowed are \['seconds_since'\]",
    ),
    "a derived column's values told apart": (
        RAW
        | {
            "other": {
                "description": "Gaps.",
                "source": "messages",
                "windows": [7],
                "columns": {"gap": {"seconds_since": "any"}},
                "features": {"gaps": {"aggregate": "entropy", "column": "gap"}},
            }
        },
        r"feature 'gaps': 'gap' is derived: its aggregate must be one of .* got 'entropy'",
    ),
    "a function that is none": (
        changed("messages.features.sent.aggregate", "entropie"),
        r"feature 'sent', aggregate: must be one of .*did you mean 'entropy'\?",
    ),
    "a group that is none": (changed("messages", [1]), r"group 'messages': must be a mapping"),
    "a name with capitals": (changed("Chats", RAW["profile"]), r"group 'Chats': a name must be"),
    "a unit of what counts days": (
        changed(
            "messages.features.since_last",
            {"aggregate": "time_since", "of": "last", "unit": "hours"},
        ),
        r"feature 'since_last': counts days whatever is said; leave unit out",
    ),
    "unknown key of a group": (
        changed("messages.feature", {}),
        r"group 'messages': unknown key 'feature'; allowed are .*did you mean 'features'\?",
    ),
    "no source": (changed("messages.source"), r"group 'messages': lacks \['source'\]"),
    "misspelt source": (
        changed("messages.source", "mesages"),
        r"group 'messages', source: 'mesages' is not declared; did you mean 'messages'\?",
    ),
    "empty group": (changed("profile.attributes"), r"group 'profile': declares nothing"),
    "unknown aggregate": (
        changed("messages.features.sent.aggregate", "cuont"),
        r"feature 'sent', aggregate: must be one of .*got 'cuont'; did you mean 'count'\?",
    ),
    "aggregate without column": (
        changed("messages.features.sent.aggregate", "mean"),
        r"group 'messages', feature 'sent': lacks \['column'\]",
    ),
    "column for count": (
        changed("messages.features.sent.column", "x"),
        r"feature 'sent': unknown key 'column'; allowed are \['aggregate', 'unit', 'where', 'win",
    ),
    "share without where": (
        changed("messages.features.links.where"),
        r"feature 'links': lacks \['where'\]",
    ),
    "windows for time": (
        changed("messages.features.since_last.windows", [7]),
        r"feature 'since_last': unknown key 'windows'",
    ),
    "neither first nor last": (
        changed("messages.features.since_last.of", "newest"),
        r"feature 'since_last', of: must be one of \['first', 'last'\], got 'newest'",
    ),
    "no windows": (changed("messages.windows"), r"feature 'sent': has no windows"),
    "a window of no days": (
        changed("messages.windows", [0, 7]),
        r"group 'messages', windows: must be whole days of at least 1 or 'life', got 0",
    ),
    "a window that is no list": (changed("messages.windows", 7), r"windows: must be a list"),
    "a window twice": (changed("messages.windows", [7, 7]), r"windows: repeats a window"),
    "a true window": (changed("messages.windows", [True]), r"windows: must be whole days"),
    "empty where": (
        changed("messages.features.links.where", {}),
        r"feature 'links', where: must name a column",
    ),
    "where of mixed kinds": (
        changed("messages.features.links.where", {"x": ["a", 1]}),
        r"where, column 'x': must be text, number, true or false",
    ),
    "where of infinity": (
        changed("messages.features.links.where", {"x": float("inf")}),
        r"where, column 'x': must be text, number",
    ),
    "unknown transform": (
        changed("messages.features.m", {"aggregate": "sum", "column": "n", "transform": "log"}),
        r"feature 'm', transform: must be one of \['log1p'\], got 'log'",
    ),
    "ratio of the unknown": (
        changed("messages.ratios.haste.numerator", "sent_8d"),
        r"ratio 'haste', numerator: must be a numeric feature .*did you mean 'sent_7d'\?",
    ),
    "ratio of words": (
        changed("profile.ratios", {"r": {"numerator": "completeness", "denominator": "country"}}),
        r"ratio 'r', denominator: must be a numeric feature of this group",
    ),
    "an unused column": (
        changed("messages.columns", {"gap": {"seconds_since": "any"}}),
        r"group 'messages', columns: no feature is about \['gap'\]; use or remove them",
    ),
    "an hour that no day has": (
        changed("messages.features.links.where", {"occurred_hour": [0, 25]}),
        r"where, column 'occurred_hour': hours are 0 to 23, got \[0, 25\]",
    ),
    "a date to choose by": (
        changed("messages.features.links.where", {"occurred_date": "2026-03-02"}),
        r"where: occurred_date is a day to count, not to choose by",
    ),
    "a window of an age": (
        changed("messages.windows", [1, 100_000]),
        r"windows: must be at most 3650 days, got 100000; write 'life'",
    ),
    "unknown kind": (
        changed("profile.attributes.country", "text"),
        r"group 'profile', attribute 'country': must be one of \['categorical', 'numeric'\]",
    ),
    "a reserved name": (
        changed("profile.attributes.as_of", "categorical"),
        r"attribute 'as_of': \['entity_id', 'as_of', 'definition'\] are columns",
    ),
    "a name twice in a group": (
        changed("messages.ratios.since_last", RAW["messages"]["ratios"]["haste"]),
        r"group 'messages': 'since_last' is declared twice",
    ),
    "a name in two groups": (
        changed("profile.attributes.sent_1d", "numeric"),
        r"all groups together: 'sent_1d' is declared twice",
    ),
}


@pytest.mark.parametrize(("raw", "message"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_one_clear_line(raw, message):
    """The message names group, feature and key, says what was allowed, and is one line."""
    with pytest.raises(ConfigurationError, match=message) as caught:
        parse_declarations(raw)
    assert "\n" not in str(caught.value)


def test_an_unknown_feature_is_explained():
    """A model that asks for a misspelt feature is told which one it may have meant."""
    declared = parse_declarations(RAW)
    with pytest.raises(ConfigurationError, match=r"'sent_7' is not declared.*mean 'sent_7d'\?"):
        declared.group_of("sent_7")
    with pytest.raises(ConfigurationError, match=r"groups are \['messages', 'profile'\]"):
        declared.feature("something_else")
    with pytest.raises(ConfigurationError, match=r"source 'user' is not declared.*'users'\?"):
        declared.source("user")
