"""Faults first, lasting drift that matters next, and reasons that people understand."""

import json
from datetime import date, timedelta

import pandas as pd
import pytest

from ucu_mlops.errors import ConfigurationError, SchemaError
from ucu_mlops.monitoring.breaker import PastDecision
from ucu_mlops.monitoring.decision import Standing, asked_for, decide
from ucu_mlops.monitoring.drift import DRIFT_COLUMNS, DriftOptions, measure_drift
from ucu_mlops.monitoring.options import DecisionOptions

TODAY = date(2026, 4, 3)
WEIGHTS = {"messages_sent": 0.6, "sentiment": 0.36, "reports": 0.03, "country": 0.01}


def rows(**states):
    """Make drift rows: for each name its state on the last days, oldest first (q, d or f)."""
    length = max(map(len, states.values()), default=1)
    names = {"messages_sent": "q" * length, "score": "q" * length} | states
    words = {"q": ("quiet", 0.04), "d": ("drift", 0.21), "f": ("fault", 0.5)}
    return pd.DataFrame(
        [
            (
                "scam",
                name,
                TODAY - timedelta(days=len(letters) - 1 - position),
                "2",
                "score" if name == "score" else "numeric",
                words[letter][1],
                0.1,
                0.5,
                0.1,
                0.02,
                0.0,
                0.0,
                1_500,
                1.0 if name == "score" else WEIGHTS[name],
                words[letter][0],
            )
            for name, letters in names.items()
            for position, letter in enumerate(letters)
        ],
        columns=list(DRIFT_COLUMNS),
    )


QUIET = {
    "queue_precision": {"state": "too few"},
    "missed": {"state": "too few"},
    "missed_growth": {"known": 0, "new": 0},
    "moderators": {
        "agreement": {"state": "quiet"},
        "confirming": {"state": "quiet"},
        "speed": {"state": "quiet"},
        "unlike_others": [],
        "state": "quiet",
    },
    "new_verdicts": {"decided": 300, "violations": 60},
}
FEWER = {
    "state": "drift",
    "window": {"precision": 0.1, "decided": 280},
    "baseline": {"precision": 0.5, "decided": 560},
}


def decided(drift, outcome=None, standing=None, **options):
    """Decide about today; ``outcome`` says what differs from a quiet one."""
    return decide(
        drift,
        QUIET | (outcome or {}),
        model="scam",
        as_of=TODAY,
        options=DecisionOptions(**options),
        standing=standing or Standing("2"),
    )


def ago(days):
    """Return a day before today."""
    return TODAY - timedelta(days=days)


@pytest.mark.parametrize(
    ("states", "action"),
    [
        ({"messages_sent": "qqq"}, "none"),
        ({"messages_sent": "qqd"}, "none"),
        ({"messages_sent": "qdd"}, "retrain"),
        ({"messages_sent": "dqd"}, "retrain"),
        ({"messages_sent": "ddqqq"}, "none"),
        ({"score": "qdd"}, "retrain"),
        ({"country": "ddd"}, "none"),
        ({"country": "ddd", "reports": "ddd"}, "none"),
        ({"country": "ddd", "sentiment": "qdd"}, "retrain"),
        ({"country": "qqf"}, "data_fault"),
        ({"country": "qfq"}, "none"),
        ({"messages_sent": "ddd", "country": "qqf"}, "data_fault"),
    ],
    ids=[
        "quiet",
        "one day is no trend",
        "two of three days",
        "two of three days with a gap",
        "long over",
        "the score",
        "what hardly matters",
        "two that hardly matter together",
        "one that matters among them",
        "a fault today",
        "yesterday's fault is mended",
        "a fault outweighs drift",
    ],
)
def test_weighs_the_last_days(states, action):
    """Each pattern of days leads to its action."""
    assert decided(rows(**states)).action == action


def test_reasons_are_sentences():
    """A moderator lead reads what moved, by how much, since when and how much it matters."""
    moved = "{} moved: Jensen-Shannon 0.21, alarm above 0.10, on 3 of 3 days, since {}; it is {}."
    decision = decided(rows(messages_sent="qddd", country="ddd"))
    assert decision.reasons == [
        moved.format("messages_sent", "2026-04-01", "60% of what matters"),
        moved.format("country", "2026-04-01", "1% of what matters"),
    ]
    trifles = "(country: 1.0% of what matters, 5% would be enough)"
    assert decided(rows(country="ddd")).reasons == [
        f"Only features that hardly matter moved {trifles}."
    ]
    broken = "missing for 2%, Jensen-Shannon 0.50 from usual, which no quiet day came near"
    assert decided(rows(country="qqf")).reasons == [
        f"country looks broken: {broken}; check its feed."
    ]


def test_is_a_row_and_deciding_again_is_the_same():
    """The decision's id follows from model and day; its lists are JSON."""
    decision = decided(rows(messages_sent="ddd"))
    assert decision == decided(rows(messages_sent="ddd"))
    row = decision.to_dict()
    assert list(row) == ["decision_id", "model", "as_of", "action", "reasons", "evidence"]
    assert json.loads(json.dumps([row["reasons"], row["evidence"]], allow_nan=False))
    assert decision.decision_id == decided(rows(messages_sent="qqq")).decision_id


def test_after_a_training_the_next_one_waits():
    """Within the cool-down drift is told but not acted on; a fault still is."""
    drift = rows(messages_sent="ddd")
    cooling = decided(drift, standing=Standing("2", trained=ago(6)))
    assert cooling.action == "none"
    assert cooling.reasons[0] == (
        "Training again waits until 2026-04-04: the last training was on 2026-03-28."
    )
    assert "messages_sent moved" in cooling.reasons[1]
    assert cooling.evidence["causes"] == cooling.reasons[1:]
    assert decided(drift, standing=Standing("2", trained=ago(7))).action == "retrain"
    fault = rows(messages_sent="ddd", country="qqf")
    assert decided(fault, standing=Standing("2", trained=ago(1))).action == "data_fault"


@pytest.mark.parametrize(
    ("known", "new", "action"),
    [(12, 12, "retrain"), (12, 11, "none"), (2, 9, "none"), (0, 10, "retrain")],
    ids=["as many again", "one too few", "few in all", "the first ones"],
)
def test_a_training_that_knew_little_is_soon_repeated(known, new, action):
    """Reports that confirm as many again as the last training knew end its cool-down early."""
    cooling = Standing("2", trained=ago(4))
    outcome = {"missed": MORE, "missed_growth": {"known": known, "new": new}}
    assert decided(rows(messages_sent="qqq"), outcome, cooling).action == action
    drifting = {"missed_growth": {"known": known, "new": new}}
    assert decided(rows(messages_sent="ddd"), drifting, cooling).action == "none"


@pytest.mark.parametrize(
    ("new", "action", "breaker"), [(11, "none", "open"), (12, "retrain", "half-open")]
)
def test_an_open_breaker_tries_again_when_far_more_is_known(new, action, breaker):
    """After three in a row people are called; as many verdicts again make it another training."""
    past = tuple(PastDecision(ago(day), "retrain", had_causes=True) for day in (9, 6, 3))
    outcome = {"missed": MORE, "missed_growth": {"known": 12, "new": new}}
    decision = decided(rows(messages_sent="qqq"), outcome, Standing("2", past=past))
    assert (decision.action, decision.evidence["breaker"]) == (action, breaker)
    assert ("somebody should look" in decision.reasons[0]) == (breaker == "open")


def test_what_the_gate_refused_cools_down_too():
    """A training asked for counts, whoever is champion since."""
    refused = Standing("2", ago(60), (PastDecision(ago(3), "retrain", had_causes=True),))
    decision = decided(rows(messages_sent="ddd"), standing=refused)
    assert decision.action == "none"
    assert decision.evidence["last_training"] == "2026-03-31"


def test_without_new_verdicts_there_is_nothing_to_learn():
    """Drift waits for verdicts that the last training did not know."""
    few = {"new_verdicts": {"decided": 12, "violations": 3}}
    decision = decided(rows(messages_sent="ddd"), few)
    assert decision.action == "none"
    assert decision.reasons[0] == (
        "Training again waits for verdicts: 12 are new since the last training, 100 are needed."
    )
    assert decided(rows(messages_sent="ddd"), few, min_verdicts=12).action == "retrain"


def test_trainings_without_gain_call_people():
    """After three in a row it stops asking, says so, and exports an open breaker."""
    past = tuple(PastDecision(ago(days), "retrain", had_causes=True) for days in (24, 16, 8))
    decision = decided(rows(messages_sent="ddd"), standing=Standing("2", None, past))
    assert (decision.action, decision.evidence["breaker"]) == ("none", "open")
    assert decision.reasons[0] == (
        "3 trainings in a row brought no gain: somebody should look; "
        "it is tried once more on 2026-04-23."
    )
    fewer = decided(rows(messages_sent="ddd"), standing=Standing("2", None, past[1:]))
    assert (fewer.action, fewer.evidence["breaker"]) == ("retrain", "closed")


def test_a_day_of_the_past_asks_for_no_training():
    """When the clock is moved back, the champion has learnt from later days already."""
    decision = decided(rows(messages_sent="ddd"), standing=Standing("2", trained=ago(-1)))
    assert decision.action == "none"
    assert "is before 2026-04-04" in decision.reasons[0]
    later = PastDecision(ago(-2), "retrain", had_causes=True)
    assert decided(rows(messages_sent="ddd"), standing=Standing("2", None, (later,))).action == (
        "retrain"
    )


def test_days_of_another_version_do_not_count():
    """What drifted from another champion's reference is no reason to replace this one."""
    drift = rows(messages_sent="ddd")
    theirs = drift["as_of"].lt(ago(0))
    mixed = drift.assign(version=drift["version"].where(~theirs, "1"))
    assert decided(drift).action == "retrain"
    assert decided(mixed).action == "none"


@pytest.mark.parametrize(
    ("states", "action"),
    [
        ({"country": "qffqqqq", "messages_sent": "qqqdddd"}, "none"),
        ({"country": "qffqqqq", "messages_sent": "qdddddd"}, "none"),
        ({"country": "ffqqqqqqq", "messages_sent": "qqqqqqddd"}, "retrain"),
        ({"country": "qqfq", "messages_sent": "qqdd"}, "none"),
    ],
    ids=["it began as the fault ended", "during it", "long after it", "a fault's day counts not"],
)
def test_the_echo_of_a_fault_is_no_drift(states, action):
    """Trailing windows hold the broken days for weeks: that is not the world moving."""
    assert decided(rows(**states)).action == action


def test_an_echo_is_named():
    """Whoever reads the decision learns why drift is not acted on."""
    decision = decided(rows(country="qffqqqq", messages_sent="qqqdddd"))
    assert decision.reasons == [
        "Only what a data fault left in the features' windows moved (messages_sent)."
    ]
    assert decision.evidence["drifting"][0]["after_fault"] is True


def test_later_days_do_not_count():
    """Deciding about an old day again gives what it gave."""
    later = rows(messages_sent="dd").assign(as_of=TODAY + timedelta(days=1))
    assert decided(pd.concat([rows(messages_sent="qqd"), later])).action == "none"


def test_a_day_without_drift_is_a_fault():
    """A day that was never monitored is not taken for a quiet one."""
    decision = decided(rows(messages_sent="qq").iloc[:0])
    assert decision.action == "data_fault"
    assert "Nothing was measured on 2026-04-03" in decision.reasons[0]


def test_an_empty_day_is_a_fault(reference, day, count):
    """Nobody active: one clear reason, not one per feature."""
    drift = measure_drift(
        reference,
        count(reference, day(22).iloc[:0]),
        model="scam",
        version="2",
        as_of=TODAY,
        options=DriftOptions(),
    )
    decision = decided(drift)
    assert decision.action == "data_fault"
    assert decision.reasons == [
        "Nothing arrived on 2026-04-03: no active users and no scores; check the feeds."
    ]


def test_agreeing_less_is_reason_enough():
    """When moderators confirm far fewer cases, the model is trained again although all is quiet."""
    decision = decided(rows(messages_sent="qqq"), {"queue_precision": FEWER})
    assert decision.action == "retrain"
    assert decision.reasons == [
        "Moderators confirm fewer of the model's cases: 10% of 280, in its first days 50% of 560."
    ]


def moderators(**changed):
    """Make an outcome whose precision fell, and in which ``changed`` is said of moderators."""
    return {"queue_precision": FEWER, "moderators": QUIET["moderators"] | changed}


DISAGREE = {
    "state": "drift",
    "window": {"agreement": 0.6, "second_looks": 20},
    "baseline": {"agreement": 0.99, "second_looks": 80},
}
CONFIRM_LESS = {"state": "drift", "window": {"confirmed": 28}, "expected": 140.0}


@pytest.mark.parametrize(
    ("changed", "action"),
    [
        ({"agreement": DISAGREE, "state": "drift"}, "none"),
        ({"unlike_others": ["moderator-3"], "state": "drift"}, "none"),
        ({"confirming": CONFIRM_LESS | {"vouched": False}}, "none"),
        ({"confirming": CONFIRM_LESS | {"vouched": True}}, "retrain"),
    ],
    ids=["they disagree", "one is unlike", "all confirm less, unvouched", "second looks vouch"],
)
def test_moderators_who_changed_are_no_reason_to_train(changed, action):
    """A fall of precision that is theirs is told as theirs; one that is not is the world's."""
    decision = decided(rows(messages_sent="qqq"), moderators(**changed))
    assert decision.action == action
    theirs = [each for each in decision.reasons if each.startswith("Moderators decide differently")]
    assert bool(theirs) == (action == "none") == decision.evidence["moderators_changed"]


def test_blamed_moderators_are_the_reason_that_is_told():
    """The first sentence says what was found and why it is no reason, never that all is quiet."""
    quiet, more = rows(messages_sent="qqq"), FEWER | {"window": {"precision": 0.6, "decided": 90}}
    disagree = QUIET["moderators"] | {"agreement": DISAGREE, "state": "drift"}
    fewer = decided(quiet, {"queue_precision": FEWER, "moderators": disagree})
    assert fewer.reasons[0].startswith("That fewer cases are confirmed is no reason to train")
    found = decided(quiet, {"missed": more, "moderators": disagree})
    assert found.reasons[0].startswith("Of reported users 60% of 90 are confirmed, before 50%")
    world = decided(rows(score="ddd"), {"moderators": disagree})
    assert world.action == "retrain"
    assert "which alone is no reason to train again" in world.reasons[-1]


def test_all_confirm_less_while_features_drift_is_the_world():
    """Drift of the inputs explains a fall that nobody vouches for."""
    unvouched = moderators(confirming=CONFIRM_LESS | {"vouched": False})
    decision = decided(rows(messages_sent="ddd"), unvouched)
    assert decision.action == "retrain"
    assert decision.evidence["moderators_changed"] is False


def test_a_change_of_moderators_is_remembered():
    """Weeks later second looks agree again, but the queue's yardstick is still from before."""
    seen = PastDecision(ago(20), "none", had_causes=False, moderators_changed=True)
    fewer = {"queue_precision": FEWER}
    decision = decided(rows(messages_sent="qqq"), fewer, Standing("2", None, (seen,)))
    assert decision.action == "none"
    assert "from before the moderators changed" in decision.reasons[0]
    short = decided(
        rows(messages_sent="qqq"), fewer, Standing("2", None, (seen,)), after_moderators_days=19
    )
    assert short.action == "retrain"


def test_slow_moderators_are_a_sentence_of_their_own():
    """Late verdicts are told, whatever the action."""
    slow = moderators(speed={"state": "drift", "window": 4.2, "baseline": 1.6})
    slow["queue_precision"] = {"state": "too few"}
    decision = decided(rows(messages_sent="qqq"), slow)
    assert decision.action == "none"
    assert decision.reasons[-1] == "Verdicts take 4.2 days at the median, before 1.6."


def test_refuses():
    """A missing column and a window that cannot be filled are named."""
    with pytest.raises(SchemaError, match=r"\['state'\]"):
        decided(rows(messages_sent="q").drop(columns="state"))
    with pytest.raises(ConfigurationError, match="at most days, 3, got 4"):
        DecisionOptions(drifting_days=4)
    with pytest.raises(ConfigurationError, match="min_weight"):
        DecisionOptions(min_weight=2)
    with pytest.raises(ConfigurationError, match="cooldown_days"):
        DecisionOptions(cooldown_days=-1)
    with pytest.raises(ConfigurationError, match=r"breaker\.rest_days"):
        DecisionOptions(breaker={"rest_days": 0})


def test_options_come_from_yaml():
    """Kedro hands over nested options as a mapping; they are validated too."""
    assert DecisionOptions(outcome={"window_days": 5}).outcome.window_days == 5
    assert DecisionOptions(breaker={"retrainings": 2}).breaker.retrainings == 2
    with pytest.raises(ConfigurationError, match=r"outcome\.window_days"):
        DecisionOptions(outcome={"window_days": 0})


def test_a_rule_is_to_be_replaced_as_soon_as_verdicts_allow():
    """Where the champion never learnt, each cool-down and enough verdicts ask for a model anew."""
    assert decided(rows(country="qqq"), standing=Standing("2", is_rule=True)).action == "retrain"
    young = Standing("2", trained=ago(3), is_rule=True)
    assert decided(rows(country="qqq"), standing=young).action == "none"
    few = {"new_verdicts": {"decided": 20, "violations": 1}}
    assert decided(rows(country="qqq"), few, Standing("2", is_rule=True)).action == "none"


@pytest.mark.parametrize(("age", "action"), [(89, "none"), (90, "retrain")])
def test_an_old_champion_is_due_for_another_training(age, action):
    """However quiet it is, what was learnt a quarter ago is learnt anew."""
    decision = decided(rows(country="qqq"), standing=Standing("2", trained=ago(age)))
    assert decision.action == action


def test_a_fault_is_told_by_what_it_shows():
    """Words that nobody knew and numbers out of range are named where they are many."""
    broken = rows(country="qqf").assign(unseen_share=1.0, outside_share=0.04)
    assert "missing for 2%, unknown words 100%, Jensen-Shannon" in decided(broken).reasons[0]


MORE = {
    "state": "drift",
    "window": {"precision": 0.3, "decided": 84},
    "baseline": {"precision": 0.03, "decided": 210},
}


def test_reports_that_find_more_ask_for_a_training():
    """What users report and the model did not ask for is confirmed more often: it misses more."""
    decision = decided(rows(messages_sent="qqq"), {"missed": MORE})
    assert decision.action == "retrain"
    assert decision.reasons[0].endswith("moderators confirm 30% of 84, before 3% of 210.")


def test_a_suspicion_of_the_moderators_is_no_answer_to_reports_that_find_more():
    """That they confirm more than expected, today or lately, is what a new kind looks like."""
    seen = PastDecision(ago(3), "none", had_causes=False, moderators_changed=True)
    suspected = Standing("2", None, (seen,))
    assert decided(rows(messages_sent="qqq"), {"missed": MORE}, suspected).action == "retrain"


def test_moderators_who_changed_explain_reports_that_find_more():
    """Second looks that overrule first ones are a better reason than a model that misses more."""
    changed = {"missed": MORE, "moderators": QUIET["moderators"] | {"state": "drift"}}
    assert decided(rows(messages_sent="qqq"), changed).action == "none"


def test_that_all_confirm_more_is_no_sign_of_changed_moderators():
    """A better model is confirmed more at equal scores, as a new kind is; fewer is suspicious."""

    def changed(confirmed: int) -> bool:
        confirming = QUIET["moderators"]["confirming"] | {
            "state": "drift",
            "vouched": False,
            "expected": 50.0,
            "window": {"decided": 500, "confirmed": confirmed},
        }
        outcome = {"moderators": QUIET["moderators"] | {"confirming": confirming}}
        return decided(rows(messages_sent="qqq"), outcome).evidence["moderators_changed"]

    assert not changed(90)
    assert changed(20)


def test_a_training_that_was_asked_for_starts_the_cool_down():
    """The day becomes one to train, with who asked; the next days wait and say until when."""
    row = decided(rows()).to_dict()
    assert row["evidence"]["hold"] == ""
    row |= {name: json.dumps(row[name]) for name in ("reasons", "evidence")}
    asked = asked_for(row, "The alert ScoreMoved asks for a training.")
    assert (asked["action"], json.loads(asked["evidence"])["asked"][:9]) == ("retrain", "The alert")
    past = (PastDecision(ago(1), asked["action"], had_causes=True),)
    held = decided(rows(score="ddd"), standing=Standing("2", past=past))
    assert held.action == "none"
    assert held.evidence["hold"].startswith("Training again waits until")
