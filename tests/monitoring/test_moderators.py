"""Moderators who change are told from a world that does: by second looks, and by each other."""

import json
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from ucu_mlops.errors import ConfigurationError, SchemaError
from ucu_mlops.monitoring.moderators import ModeratorOptions, moderators_of

FIRST = date(2026, 3, 1)
DAYS = 45
CHANGE = 30  # of which day on the cases are decided otherwise
TODAY = FIRST + timedelta(days=DAYS)


def looks(*, strict=None, since=CHANGE, world=1.0, delay=1.4, looked_again=0.1, seed=0):
    """Make decided first and second looks by four moderators; a change begins on day CHANGE.

    ``strict``, one of them or ``all``, confirms half of what was confirmed, from day ``since``
    on; ``world`` scales how many of the cases are scams.
    """
    rng = np.random.default_rng(seed)
    number = np.repeat(np.arange(DAYS), 48)
    n, late = number.size, number >= CHANGE
    probability = rng.beta(1.2, 3.6, n)
    truth = rng.random(n) < probability * np.where(late, world, 1.0)
    first, second = rng.integers(4, size=n), rng.integers(1, 4, size=n)
    later = rng.integers(2, 14, size=n)

    def verdict(moderator, day):
        decided = truth ^ (rng.random(n) < 0.01)
        harsh = (day >= since) & ((strict == "all") | (moderator == strict))
        return decided & ~(harsh & (rng.random(n) < 0.5))

    day = pd.Timestamp(FIRST) + pd.to_timedelta(number, unit="D")
    wait = np.where(late, delay, 1.4) + rng.random(n)
    firsts = pd.DataFrame(
        {
            "verdict_id": [f"v{each}" for each in range(n)],
            "case_id": [f"c{each}" for each in range(n)],
            "first_case_id": None,
            "as_of": day,
            "probability": probability,
            "moderator_id": [f"moderator-{each}" for each in first],
            "is_violation": verdict(first, number),
            "decided_at": (day + pd.to_timedelta(wait, unit="D")).tz_localize("UTC"),
        }
    )
    seconds = firsts.assign(
        verdict_id="s" + firsts["verdict_id"],
        case_id="s" + firsts["case_id"],
        first_case_id=firsts["case_id"],
        moderator_id=[f"moderator-{each}" for each in (first + second) % 4],
        is_violation=verdict((first + second) % 4, number + later),
        decided_at=firsts["decided_at"] + pd.to_timedelta(later, unit="D"),
    )
    looked = rng.random(n) < looked_again
    return pd.concat([firsts, seconds[looked]], ignore_index=True)


def found(frame, as_of=TODAY, **options):
    """Tell how the moderators do today."""
    return moderators_of(frame, as_of, ModeratorOptions(**options))


def test_quiet_moderators_are_quiet():
    """They agree as before, confirm as before and are as fast; the figures are JSON."""
    told = found(looks())
    assert (told["state"], told["unlike_others"]) == ("quiet", [])
    assert told["agreement"]["window"]["agreement"] > 0.9
    assert {told[name]["state"] for name in ("agreement", "confirming", "speed")} == {"quiet"}
    assert sum(each["decided"] for each in told["moderators"].values()) > 250
    json.dumps(told, allow_nan=False)


def test_chance_hardly_ever_blames_them():
    """Of thirty quiet histories at most two are told as a change."""
    states = [found(looks(seed=seed))["state"] for seed in range(30)]
    assert states.count("drift") <= 2


@pytest.mark.parametrize("seed", range(5))
def test_a_world_that_changes_is_not_their_doing(seed):
    """Fewer scams at equal scores: all confirm less, still agree, and nobody is unlike."""
    told = found(looks(world=0.4, seed=seed))
    assert told["confirming"]["state"] == "drift"
    assert told["confirming"]["window"]["confirmed"] < 0.6 * told["confirming"]["expected"]
    assert told["state"] == "quiet"


def test_one_who_turns_strict_is_named():
    """Who confirms half of what the others do at equal scores stands out."""
    told = found(looks(strict=2))
    assert told["unlike_others"] == ["moderator-2"]
    assert told["state"] == "drift"
    own = told["moderators"]["moderator-2"]
    assert own["confirm_rate"] < 0.7 * own["expected_rate"]


def test_who_was_always_strict_is_no_news():
    """A lasting difference between people is not a change of them."""
    assert found(looks(strict=2, since=0))["unlike_others"] == []


@pytest.mark.parametrize("seed", range(5))
def test_nobody_vouches_for_a_whole_team_that_turns_strict(seed):
    """All confirm half as much as before: seen at equal scores, and second looks do not deny it."""
    told = found(looks(strict="all", since=CHANGE + 2, seed=seed))
    assert told["confirming"]["state"] == "drift"
    assert told["confirming"]["vouched"] is False


def test_second_looks_tell_on_a_strict_team():
    """Enough second looks overrule the team's own past, and vouch for it when the world changed."""
    strict, world = (
        found(looks(looked_again=0.4, **changed))
        for changed in ({"strict": "all", "since": CHANGE + 2}, {"world": 0.4})
    )
    assert (strict["agreement"]["state"], strict["confirming"]["vouched"]) == ("drift", False)
    assert (world["agreement"]["state"], world["confirming"]["vouched"]) == ("quiet", True)


def test_late_verdicts_are_slower_not_stricter():
    """Two days more until a verdict is a matter of speed alone."""
    told = found(looks(delay=3.4))
    assert told["speed"]["state"] == "drift"
    assert told["speed"]["window"] - told["speed"]["baseline"] > 1
    assert told["state"] == "quiet"


def test_repeated_and_contradicting_verdicts_count_once():
    """Delivered twice is once; of two verdicts of a case the later one counts."""
    frame = looks()
    again = pd.concat([frame, frame.sample(frac=0.3, random_state=1)])
    assert found(again) == found(frame)
    earlier = frame.head(500).assign(
        verdict_id=lambda rows: "e" + rows["verdict_id"],
        is_violation=lambda rows: ~rows["is_violation"].astype(bool),
        decided_at=lambda rows: rows["decided_at"] - pd.Timedelta(hours=1),
    )
    assert found(pd.concat([earlier, frame])) == found(frame)


def test_very_late_verdicts_belong_to_the_day_they_came():
    """A case of long ago decided today is slow today, and is no baseline."""
    frame = looks()
    late = frame.head(150).assign(decided_at=pd.Timestamp(TODAY, tz="UTC"))
    told = found(pd.concat([frame.iloc[150:], late]))
    assert told["speed"]["window_90_percent"] > 20


def test_later_verdicts_are_not_known():
    """An old day told again tells what it told, whatever came later."""
    frame, day = looks(), FIRST + timedelta(days=25)
    until = frame[frame["decided_at"] < pd.Timestamp(day + timedelta(days=1), tz="UTC")]
    assert found(frame, day) == found(until, day)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda frame: frame.iloc[:0],
        lambda frame: frame.assign(is_violation=None),
        lambda frame: frame[frame["first_case_id"].isna()],
        lambda frame: frame[frame["first_case_id"].notna()],
        lambda frame: frame.assign(moderator_id="moderator-1"),
        lambda frame: frame.assign(is_violation=False),
        lambda frame: frame.assign(probability=np.nan),
    ],
    ids=["none", "open", "no second look", "no first look", "one", "one class", "no scores"],
)
def test_too_little_tells_nothing(spoil):
    """Whatever is missing, nobody is blamed, and the answer is JSON."""
    told = found(spoil(looks()))
    assert told["state"] in {"too few", "quiet"}
    assert told["unlike_others"] == []
    json.dumps(told, allow_nan=False)


def test_refuses():
    """A missing column and impossible options are named."""
    with pytest.raises(SchemaError, match=r"\['moderator_id'\]"):
        found(looks().drop(columns="moderator_id"))
    for name, value in (("window_days", 0), ("slower_days", 0), ("significance", 1)):
        with pytest.raises(ConfigurationError, match=rf"moderators\.{name}"):
            ModeratorOptions(**{name: value})
