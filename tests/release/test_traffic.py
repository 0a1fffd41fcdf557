"""An endpoint comes to what the ledger says, whatever is there and wherever somebody is killed."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ucu_mlops.release.ledger import Move
from ucu_mlops.release.traffic import (
    Deploy,
    Deployment,
    Probe,
    Shift,
    Undeploy,
    Wanted,
    after,
    back,
    next_step,
    plan,
    wanted_of,
)

AT = datetime(2026, 4, 1, tzinfo=UTC)
STEPS = (10, 50, 100)
WANTED = Wanted("c", "3", "2", STEPS)


def moved(*versions: str, kind: str = "promote") -> list[Move]:
    """Return moves from one version to the next; the last is of a kind."""
    kinds = ["promote"] * (len(versions) - 1) + [kind]
    before = [None, *versions]
    return [
        Move("scam", number, before[number - 1], version, kinds[number - 1], "ann", "so", None, AT)
        for number, version in enumerate(versions, 1)
    ]


@st.composite
def endpoints(draw):
    """Draw up to four deployments of versions 1 to 3, the wanted one perhaps among them."""
    ids = draw(st.lists(st.sampled_from("abcd"), unique=True, max_size=4))
    cuts = sorted(draw(st.lists(st.integers(0, 100), min_size=len(ids), max_size=len(ids))))
    shares = [high - low for low, high in zip([0, *cuts], [*cuts[:-1], 100], strict=False)]
    versions = [draw(st.sampled_from("123")) if each != "c" else "3" for each in ids]
    return [Deployment(*each) for each in zip(ids, versions, shares, strict=False)]


@given(endpoints(), st.sets(st.integers(0, 30), max_size=10))
def test_it_comes_to_what_is_wanted_wherever_it_is_killed(there, kills):
    """Killed and started again between any steps: the champion has all, `previous` alone is kept.

    On the way shares add up to 100, and the champion gets more only after it answered at what it
    had.
    """
    probed = 0
    for turn in range(60):
        if turn in kills:
            probed = 0  # whoever starts again knows of no answer
        step = next_step(there, WANTED, probed)
        if step is None:
            break
        before = next((each.share for each in there if each.id == "c"), 0)
        if isinstance(step, Shift):
            assert sum(step.split.values()) == 100
            assert before <= probed
        if isinstance(step, Undeploy):
            assert next(each.share for each in there if each.id == step.id) == 0
        there = after(there, WANTED, step)
        probed = step.share if isinstance(step, Probe) else probed
    assert [each.share for each in there if each.id == "c"] == [100]
    assert {each.version for each in there if each.id != "c"} <= {"2"}
    assert len(there) <= 2


def test_a_first_champion_gets_everything_at_once():
    """Nobody else could answer meanwhile."""
    steps = list(plan([], WANTED))
    assert steps == [Deploy(), Shift({"c": 100}), Probe(100)]


def test_a_new_champion_takes_over_by_steps_and_older_ones_go():
    """10, 50, 100 percent, a probe after each; the version before stays, an older one goes."""
    there = [Deployment("a", "1"), Deployment("b", "2", 100)]
    assert list(plan(there, WANTED)) == [
        Deploy(),
        Shift({"c": 10, "b": 90}),
        Probe(10),
        Shift({"c": 50, "b": 50}),
        Probe(50),
        Shift({"c": 100}),
        Probe(100),
        Undeploy("a"),
    ]


def test_going_back_is_a_change_of_traffic_alone():
    """After a rollback the version before, still deployed, takes over at once."""
    moves = [*moved("1", "2"), Move("scam", 3, "2", "1", "rollback", "ann", "bad", None, AT)]
    wanted = wanted_of(moves, "a", STEPS)
    there = [Deployment("a", "1"), Deployment("b", "2", 100)]
    assert list(plan(there, wanted)) == [Shift({"a": 100}), Probe(100), Undeploy("b")]


def test_a_champion_on_another_machine_replaces_itself():
    """The same version, deployed otherwise: the old deployment hands over and goes."""
    steps = list(plan([Deployment("x", "3", 100)], WANTED))
    assert steps[1] == Shift({"c": 10, "x": 90})
    assert steps[-1] == Undeploy("x")


@pytest.mark.parametrize(
    ("there", "split"),
    [
        ([Deployment("b", "2", 90), Deployment("c", "3", 10)], {"b": 100}),
        ([Deployment("b", "2"), Deployment("c", "3", 100)], {"b": 100}),
        ([Deployment("a", "1"), Deployment("b", "2"), Deployment("c", "3", 100)], {"b": 100}),
    ],
    ids=["at a step", "killed at 100", "not to the oldest"],
)
def test_requests_go_back_to_who_had_them(there, split):
    """Who answers now, else the version before."""
    returned = back(there, WANTED)
    assert returned is not None
    assert returned.split == split


def test_without_another_version_there_is_no_way_back():
    """A first champion that fails its probe is left as it is."""
    assert back([Deployment("c", "3", 100)], WANTED) is None


def test_the_ledger_says_which_version_stays():
    """The one that a rollback would go to."""
    assert wanted_of(moved("1", "2", "3"), "c", STEPS) == WANTED
    assert wanted_of(moved("1"), "c", STEPS).previous is None
