"""The queue fits the day, respects what is decided, and its exploration is an honest draw."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ucu_mlops.errors import ConfigurationError, DataError, DuplicateKeyError, SchemaError
from ucu_mlops.review.options import ReviewOptions
from ucu_mlops.review.queue import CASE_COLUMNS, HISTORY_COLUMNS, build_queue

TODAY = date(2026, 4, 3)
NO_HISTORY = pd.DataFrame({name: [] for name in HISTORY_COLUMNS})


def candidates(probabilities, reported=()):
    """Make candidates u0, u1, … of these probabilities; the numbers in ``reported`` are."""
    return pd.DataFrame(
        {
            "entity_id": [f"u{number}" for number in range(len(probabilities))],
            "probability": np.asarray(probabilities, dtype=float),
            "reports_known_today": [int(n in reported) for n in range(len(probabilities))],
        }
    )


def case(entity, days_ago, verdict=None, probability=0.5, decided_days_ago=None, again=None):
    """Make a case of a day, decided the day after unless said otherwise."""
    day = TODAY - timedelta(days=days_ago)
    decided = days_ago - 1 if decided_days_ago is None else decided_days_ago
    at = pd.Timestamp(TODAY - timedelta(days=decided), tz="UTC") + pd.Timedelta(hours=9)
    decided_at = at if verdict is not None else pd.NaT
    return (f"{entity}-{day}", entity, day, probability, "model", verdict, decided_at, again)


def history(*cases):
    """Make a history of cases."""
    return pd.DataFrame(list(cases), columns=list(HISTORY_COLUMNS))


def queue(users, past=NO_HISTORY, as_of=TODAY, source="model", threshold=0.5, **options):
    """Build the queue of a day."""
    return build_queue(
        users,
        past,
        model="scam",
        label="scam",
        as_of=as_of,
        version="7",
        source=source,
        threshold=threshold,
        options=ReviewOptions(**options),
    )


def ids(cases, source=None):
    """Tell who is queued, by a source."""
    return set(cases.loc[(source is None) | (cases["source"] == source), "entity_id"])


PASTS = st.lists(
    st.tuples(
        st.integers(0, 30),
        st.integers(1, 20),
        st.sampled_from([None, True, False]),
        st.floats(0, 1),
    ),
    max_size=25,
    unique_by=lambda row: row[:2],
).map(lambda rows: history(*(case(f"u{n}", ago, v, p) for n, ago, v, p in rows)))
OPTIONS = st.builds(
    ReviewOptions,
    capacity=st.integers(0, 40),
    exploration_share=st.sampled_from([0.0, 0.15, 0.4]),
    second_look_share=st.sampled_from([0.0, 0.05, 0.3]),
    report_share=st.sampled_from([0.0, 0.2, 0.3]),
    fill_below_threshold=st.booleans(),
    seed=st.integers(0, 9),
)


@settings(max_examples=120, deadline=None)
@given(
    probabilities=st.lists(st.floats(0, 1), max_size=40),
    reported=st.sets(st.integers(0, 39)),
    past=PASTS,
    options=OPTIONS,
    order=st.randoms(use_true_random=False),
)
def test_every_queue_keeps_the_rules(probabilities, reported, past, options, order):
    """Capacity, one case per user, nobody confirmed or open, real propensities, any row order."""
    users = candidates(probabilities, reported)

    def build(rows, earlier):
        return build_queue(
            rows,
            earlier,
            model="scam",
            label="scam",
            as_of=TODAY,
            version="7",
            source="model",
            threshold=0.5,
            options=options,
        )

    cases = build(users, past)
    assert list(cases.columns) == list(CASE_COLUMNS)
    assert len(cases) <= options.capacity
    assert cases["rank"].tolist() == list(range(1, len(cases) + 1))
    assert cases["entity_id"].is_unique
    assert cases["case_id"].is_unique
    assert ((cases["propensity"] > 0) & (cases["propensity"] <= 1)).all()
    barred = past.loc[past["is_violation"].isna() | past["is_violation"].eq(True), "entity_id"]
    first = cases[cases["first_case_id"].isna()]
    assert not ids(first) & set(barred)
    assert set(cases.loc[cases["source"] == "second_look", "first_case_id"]) <= set(
        past.loc[past["is_violation"].notna(), "case_id"]
    )
    shuffled, reordered = list(range(len(users))), list(range(len(past)))
    order.shuffle(shuffled)
    order.shuffle(reordered)
    pd.testing.assert_frame_equal(cases, build(users.iloc[shuffled], past.iloc[reordered]))


def test_a_full_day_is_divided_as_agreed():
    """Of 60 places 9 explore, 3 are second looks, at most 12 reports, the rest the model's top."""
    users = candidates(np.linspace(0.99, 0.001, 2_000), reported=range(500, 600))
    past = history(*(case(f"gone{n}", 3, verdict=True, decided_days_ago=0) for n in range(30)))
    cases = queue(users, past)
    assert cases["source"].value_counts().to_dict() == {
        "model": 36,
        "report": 12,
        "exploration": 9,
        "second_look": 3,
    }
    assert ids(cases, "model") == {f"u{n}" for n in range(36)}
    assert ids(cases, "report") == {f"u{n}" for n in range(500, 512)}
    explored = cases[cases["source"] == "exploration"]
    assert (1 / explored["propensity"]).sum() == pytest.approx(2_000 - 48)


def test_places_that_nobody_needs_go_to_the_model():
    """Without reports and decided cases the model fills all but exploration's places."""
    cases = queue(candidates(np.linspace(0.9, 0.1, 200)))
    assert cases["source"].value_counts().to_dict() == {"model": 51, "exploration": 9}


def test_below_the_threshold_places_may_stay_empty():
    """Told not to fill, the model queues only users whom it asks for a look at."""
    users = candidates([0.9, 0.8, 0.4, 0.3], reported=[3])
    cases = queue(users, fill_below_threshold=False, exploration_share=0.0)
    assert ids(cases, "model") == {"u0", "u1"}
    assert ids(cases, "report") == {"u3"}


@pytest.mark.parametrize(
    ("past", "queued"),
    [
        (case("u0", 20, verdict=True), False),
        (case("u0", 1), False),
        (case("u0", 5, verdict=False, probability=0.95), False),
        (case("u0", 5, verdict=False, probability=0.5), True),
        (case("u0", 5, verdict=False, probability=0.9), False),
        (case("u0", 5, verdict=False, probability=None), False),
        (case("u0", 16, verdict=False, probability=0.95), True),
        (case("u0", 3, verdict=True, decided_days_ago=-1), False),
        (case("u0", 0, verdict=True, decided_days_ago=-1), True),
        (case("u0", -2, verdict=True), True),
    ],
    ids=[
        "confirmed long ago",
        "open",
        "dismissed and not risen",
        "dismissed and risen",
        "dismissed and as probable as then",
        "dismissed without a probability",
        "dismissed over a fortnight ago",
        "decided tomorrow, so still open",
        "queued by an earlier run of today",
        "queued on a later day",
    ],
)
def test_history_decides_who_may_be_queued(past, queued):
    """A user of probability 0.9 is queued or left alone as the rules say."""
    cases = queue(candidates([0.9]), history(past), exploration_share=0, second_look_share=0)
    assert ("u0" in ids(cases)) is queued


def test_a_dismissed_user_must_rise_past_the_highest_bar():
    """Dismissed at 0.6 and again at 0.8, a user of 0.7 stays out; a margin raises the bar."""
    past = history(
        case("u0", 6, verdict=False, probability=0.8), case("u0", 3, verdict=False, probability=0.6)
    )
    assert ids(queue(candidates([0.7]), past, second_look_share=0)) == set()
    assert ids(queue(candidates([0.85]), past, second_look_share=0)) == {"u0"}
    assert ids(queue(candidates([0.85]), past, second_look_share=0, rise=0.1)) == set()


def decided_today(entity, verdict, source="model", days_ago=2, **more):
    """Make a case decided on the day itself."""
    row = case(entity, days_ago, verdict=verdict, decided_days_ago=0, **more)
    return (*row[:4], source, *row[5:])


def test_second_looks_are_a_sample_of_what_was_decided_today():
    """Open, earlier decided and already repeated cases are left alone; the draw is logged."""
    past = history(
        *(decided_today(f"d{n}", verdict=n % 2 == 0) for n in range(10)),
        case("open", 3),
        case("yesterday", 3, verdict=True, decided_days_ago=1),
        decided_today("again", verdict=True, again=TODAY - timedelta(days=1)),
    )
    cases = queue(candidates([]), past, second_look_share=0.1, capacity=50)
    assert ids(cases) < {f"d{n}" for n in range(10)}
    assert cases["propensity"].tolist() == [0.5] * 5
    firsts = past.set_index("entity_id")["case_id"]
    assert cases["first_case_id"].tolist() == firsts[cases["entity_id"]].tolist()
    assert not set(cases["case_id"]) & set(past["case_id"])


def test_every_explored_confirmation_is_looked_at_again():
    """They come first, though their users have left, and wait for a place until there is one."""
    past = history(
        *(decided_today(f"d{n}", verdict=n % 2 == 0) for n in range(10)),
        decided_today("dismissed", verdict=False, source="exploration"),
        *(decided_today(f"weighty{n}", verdict=True, source="exploration") for n in range(2)),
    )
    today = queue(candidates([]), past, second_look_share=0.05)
    assert {"weighty0", "weighty1"} < ids(today)
    propensity = today.set_index("entity_id")["propensity"].to_dict()
    assert propensity.pop("weighty0") == propensity.pop("weighty1") == 1.0
    assert list(propensity.values()) == [1 / 11]
    crowded = queue(candidates([]), past, second_look_share=0.05, capacity=20)
    waiting = {"weighty0", "weighty1"} - ids(crowded)
    assert len(ids(crowded)) == len(waiting) == 1
    later = past.assign(
        second_look_as_of=[TODAY if user in ids(crowded) else None for user in past["entity_id"]]
    )
    next_days = [
        queue(
            candidates([]),
            later,
            as_of=TODAY + timedelta(days=ahead),
            second_look_share=0.05,
            capacity=20,
        )
        for ahead in (1, 13, 14)
    ]
    assert [ids(cases) for cases in next_days] == [waiting, waiting, set()]


def test_who_waits_or_may_be_queued_gets_no_second_look():
    """A second look never doubles a user of today's queue nor one whose other case is open."""
    past = history(
        case("u0", 6, verdict=False, probability=0.3),
        case("waits", 9, verdict=False),
        case("waits", 2),
    )
    cases = queue(candidates([0.9]), past, second_look_share=0.5)
    assert cases[["entity_id", "source"]].to_numpy().tolist() == [["u0", "model"]]


@pytest.mark.parametrize("uniform_share", [1.0, 0.3])
def test_exploration_estimates_what_lies_among_the_others(uniform_share):
    """Over 120 days, 1 / propensity adds up to the scammers whom the model did not choose."""
    scammers = {f"u{n}" for n in range(100, 300, 10)}
    users = candidates(np.linspace(0.9, 0.1, 300))
    totals = []
    for day in range(120):
        cases = queue(
            users, as_of=TODAY + timedelta(days=day), capacity=40, uniform_share=uniform_share
        )
        explored = cases[cases["source"] == "exploration"]
        totals.append((explored["entity_id"].isin(scammers) / explored["propensity"]).sum())
    standard_error = np.std(totals) / np.sqrt(len(totals))
    assert abs(np.mean(totals) - len(scammers)) < 3 * standard_error
    assert standard_error < 4


def test_equals_share_the_places_by_lot():
    """A rule gives many the same probability: other days take others, a seed changes the lot."""
    users = candidates([0.5] * 300)
    days = [ids(queue(users, as_of=TODAY + timedelta(days=day), source="rule")) for day in (0, 1)]
    assert days[0] != days[1]
    assert ids(queue(users, source="rule")) != ids(queue(users, source="rule", seed=1))
    assert set(queue(users, source="rule")["source"]) == {"rule", "exploration"}


def test_no_capacity_is_an_empty_day():
    """With capacity 0 the queue is empty and still has its columns and types."""
    cases = queue(candidates([0.9]), capacity=0)
    assert cases.dtypes.astype(str).to_dict() == CASE_COLUMNS
    assert cases.empty


@pytest.mark.parametrize(
    ("users", "error", "message"),
    [
        (candidates([0.5, np.nan]), DataError, "missing or outside 0..1 in 1 rows"),
        (candidates([1.5]), DataError, "outside 0..1"),
        (candidates([0.5, 0.5]).assign(entity_id="u0"), DuplicateKeyError, "'u0' more than once"),
        (candidates([0.5, 0.5]).assign(entity_id=[None, "u"]), DuplicateKeyError, "null in 1 rows"),
        (candidates([0.5]).assign(reports_known_today=None), DataError, "has 0"),
        (candidates([0.5]).drop(columns="probability"), SchemaError, r"need \['probability'\]"),
    ],
    ids=["no probability", "not a probability", "twice", "nobody", "unknown reports", "no column"],
)
def test_refuses_candidates(users, error, message):
    """What cannot be queued honestly is refused in one line."""
    with pytest.raises(error, match=message) as raised:
        queue(users)
    assert "\n" not in str(raised.value)


def test_refuses_a_history_without_second_looks():
    """A history that lacks a column would repeat second looks: it is refused."""
    with pytest.raises(SchemaError, match="second_look_as_of"):
        queue(candidates([0.5]), NO_HISTORY.drop(columns="second_look_as_of"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"capacity": -1}, "review.capacity must be a whole number at least 0, got -1"),
        ({"exploration_share": 0.9, "report_share": 0.9}, "at most 1 together"),
        ({"second_look_share": -0.1}, "must be a number at least 0"),
        (
            {"uniform_share": 1.1},
            "review.uniform_share must be a number at least 0 and at most 1, got 1.1",
        ),
    ],
    ids=["capacity", "too much", "negative", "more than all"],
)
def test_refuses_options(options, message):
    """A day that cannot be divided is refused by name and value."""
    with pytest.raises(ConfigurationError, match=message):
        ReviewOptions(**options)


def test_refuses_an_unknown_source():
    """Only a model or a rule gives probabilities."""
    with pytest.raises(ConfigurationError, match="got 'oracle'"):
        queue(candidates([0.5]), source="oracle")
