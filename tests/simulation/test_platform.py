"""A day of the platform hangs on the options, the day and who was sent away, on nothing else."""

from datetime import date, timedelta

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ucu_mlops.errors import ConfigurationError, DataError
from ucu_mlops.simulation.platform import SOURCE_TABLES, Platform, PlatformOptions, Shift

START = date(2026, 1, 1)
MOMENT = "datetime64[us, UTC]"
TYPES = {
    "users": {
        "user_id": "str",
        "signed_up_at": MOMENT,
        "ingested_at": MOMENT,
        "country": "str",
        "signup_channel": "str",
        "phone_verified": "bool",
        "profile_completeness": "float64",
    },
    "sessions": {
        "session_id": "str",
        "user_id": "str",
        "occurred_at": MOMENT,
        "ingested_at": MOMENT,
        "duration_s": "float64",
        "device": "str",
        "ip_country": "str",
    },
    "messages": {
        "message_id": "str",
        "user_id": "str",
        "occurred_at": MOMENT,
        "ingested_at": MOMENT,
        "recipient_id": "str",
        "n_chars": "int64",
        "sentiment": "float64",
        "has_link": "bool",
        "is_reply": "bool",
    },
    "reports": {
        "report_id": "str",
        "user_id": "str",
        "reporter_id": "str",
        "occurred_at": MOMENT,
        "ingested_at": MOMENT,
        "reason": "str",
    },
}


def small(**changes) -> Platform:
    """Make a platform of 400 users that can be played for 30 days."""
    return Platform(PlatformOptions(**{"start": START, "users": 400, "horizon_days": 30} | changes))


def nth(number: int) -> date:
    """Return the day so many days after the start."""
    return START + timedelta(days=number)


def play(platform: Platform, days: int) -> dict[str, pd.DataFrame]:
    """Play the first days with nobody sent away."""
    batches = [platform.day(nth(n)) for n in range(days)]
    return {name: pd.concat([batch[name] for batch in batches]) for name in SOURCE_TABLES}


def assert_same(one: dict[str, pd.DataFrame], other: dict[str, pd.DataFrame]) -> None:
    """Compare two batches value for value."""
    assert one.keys() == other.keys()
    for name, rows in one.items():
        pd.testing.assert_frame_equal(rows, other[name])


@pytest.fixture(scope="module")
def played():
    return play(small(users=2_000), 15)


@pytest.mark.parametrize("table", SOURCE_TABLES)
def test_has_the_promised_columns_and_types(table):
    """Each source table has its columns in order, with UTC microseconds and plain types."""
    rows = small(users=2_000).day(nth(3))[table]
    assert {name: str(dtype) for name, dtype in rows.dtypes.items()} == TYPES[table]


@pytest.fixture(scope="module")
def alone():
    return {number: small().day(nth(number)) for number in range(5)}


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=2, max_size=6))
def test_any_order_of_days_gives_the_same_days(alone, order):
    """A day played after any others, or again, equals the day played alone."""
    platform = small()
    for number in order:
        assert_same(platform.day(nth(number)), alone[number])


def test_another_seed_is_another_platform():
    """Seeds change who is there."""
    ids = [set(small(seed=seed).day(START)["users"]["user_id"]) for seed in (0, 1)]
    assert not ids[0] & ids[1]


@pytest.mark.parametrize("table", SOURCE_TABLES)
def test_a_batch_is_what_became_known_that_day(table):
    """Every row of a day's batch was ingested on that day, and none before it occurred."""
    rows = small(users=2_000).day(nth(5))[table]
    assert set(rows["ingested_at"].dt.date) == {nth(5)}
    happened = rows["signed_up_at"] if table == "users" else rows["occurred_at"]
    assert (rows["ingested_at"] >= happened).all()


@pytest.mark.parametrize("table", SOURCE_TABLES[1:])
def test_some_events_are_known_one_or_two_days_late(played, table):
    """Late events come with their true time, and a small share of them."""
    rows = played[table]
    late = (rows["ingested_at"].dt.normalize() - rows["occurred_at"].dt.normalize()).dt.days
    assert set(late) <= {0, 1, 2}
    if table != "reports":
        assert set(late) == {0, 1, 2}
        assert 0.02 < (late > 0).mean() < 0.04


@pytest.mark.parametrize("table", SOURCE_TABLES)
def test_nothing_arrives_twice(played, table):
    """Ids are unique over all days, late arrivals included."""
    assert played[table].iloc[:, 0].is_unique


def test_everybody_of_the_first_day_was_there_before():
    """The first batch holds all initial users, who signed up in the past."""
    users = small().day(START)["users"]
    assert len(users) == 400
    assert (users["signed_up_at"] < pd.Timestamp(START, tz="UTC")).all()


def test_nobody_acts_before_signing_up(played):
    """Users are known by the day of their first event and act after signing up only."""
    for table in ("sessions", "messages"):
        acts = played[table].merge(played["users"], on="user_id", how="left", suffixes=("", "_u"))
        assert (acts["occurred_at"] >= acts["signed_up_at"]).all()


def test_departed_users_fall_silent_and_nobody_else_changes():
    """Without the departed a batch is the rest of the batch with them, late events included."""
    platform, day = small(users=2_000), nth(6)
    everybody = platform.day(day)
    gone = everybody["messages"]["user_id"].value_counts().index[:20]
    rest = platform.day(day, set(gone))
    for table, rows in everybody.items():
        if table == "users":
            stays = rows
        else:
            stays = rows[~rows["user_id"].isin(gone)]
            stays = stays[~stays.get("reporter_id", stays["user_id"]).isin(gone)]
        pd.testing.assert_frame_equal(rest[table], stays.reset_index(drop=True))


def test_refuses_departed_strangers():
    """A departed user of another platform is a mistake, not nobody."""
    with pytest.raises(DataError, match="1 of 1 departed users are nobody of this platform"):
        small().day(START, ["stranger"])


@pytest.mark.parametrize("number", [-1, 30], ids=["before the start", "beyond the horizon"])
def test_refuses_days_it_cannot_play(number):
    """The message says which days there are."""
    with pytest.raises(ConfigurationError, match="from 2026-01-01 to 2026-01-30"):
        small().day(nth(number))


@pytest.mark.parametrize("kind", ["new_scam", "broken_feed", "growth"])
def test_a_shift_changes_nothing_before_its_day(kind):
    """Up to the day before, the platform with a shift is the platform without."""
    shifted, plain = small(shift={"kind": kind, "day": str(nth(10))}), small()
    for number in (0, 9):
        assert_same(shifted.day(nth(number)), plain.day(nth(number)))


def test_broken_feed_loses_every_sentiment_and_nothing_else():
    """From the day on all sentiments are null; the messages are the same."""
    broken, whole = small(shift=Shift("broken_feed", nth(10))), small()
    messages, usual = broken.day(nth(11))["messages"], whole.day(nth(11))["messages"]
    assert messages["sentiment"].isna().all()
    assert 0 < usual["sentiment"].isna().mean() < 0.1
    pd.testing.assert_frame_equal(
        messages.drop(columns="sentiment"), usual.drop(columns="sentiment")
    )


def test_growth_is_a_spurt_of_harmless_newcomers():
    """Several times as many join as usual, for two weeks, and none of them scams."""
    grown = small(users=4_000, horizon_days=40, shift=Shift("growth", nth(10)))
    joined = [len(grown.day(nth(number))["users"]) for number in (9, 10, 23, 24)]
    assert min(joined[1:3]) > 3 * max(joined[0], joined[3])
    spurt = grown.day(nth(12))["users"]
    truth = grown.truth().set_index("user_id")
    assert truth.loc[spurt["user_id"], "is_scammer"].mean() < 0.05


@pytest.fixture(scope="module")
def bought():
    """Return a platform, ten days after its shift, with those who were bought by then."""
    platform = small(users=4_000, horizon_days=40, shift=Shift("new_scam", nth(10)))
    truth = platform.truth().set_index("user_id")
    begins = truth.loc[truth["kind"] == "recruiter", "active_from"]
    return platform, begins[begins <= pd.Timestamp(nth(20), tz="UTC")]


def test_new_scam_buys_accounts_of_the_honest(bought):
    """The new kind is nobody new: accounts a month old at least, one or two in a hundred."""
    platform, begins = bought
    users = pd.concat([platform.day(nth(number))["users"] for number in range(21)])
    theirs = users[users["user_id"].isin(begins.index)].set_index("user_id")
    assert len(theirs) == len(begins)
    assert begins.min() == pd.Timestamp(nth(10), tz="UTC")
    assert (begins - theirs["signed_up_at"][begins.index] >= pd.Timedelta(days=30)).all()
    assert 0.008 < len(theirs) / 4_000 < 0.02


def test_new_scam_behaves_unlike_the_old_kinds(bought):
    """The new kind answers, briefly, and posts few links: nothing that gave others away."""
    platform, begins = bought
    batch = platform.day(nth(20))["messages"]
    truth = platform.truth().set_index("user_id").loc[batch["user_id"]]
    scams = (truth["active_from"] <= pd.Timestamp(nth(20), tz="UTC")).to_numpy()
    new = batch["user_id"].isin(begins.index).to_numpy()
    old = batch[scams & ~new]
    new = batch[new]
    assert new["user_id"].nunique() > 20
    assert new["is_reply"].mean() > 0.7
    assert old["is_reply"].mean() < 0.5
    assert new["has_link"].mean() < 0.1 < old["has_link"].mean()
    assert new["n_chars"].median() < 35 < old["n_chars"].median()


def test_old_scammers_move_over_to_the_new_scam():
    """Fewer of the old kinds are still writing a week after the shift than without it."""
    counts = []
    for shift in (Shift(), Shift("new_scam", nth(10))):
        platform = small(users=4_000, prevalence=0.05, shift=shift)
        truth = platform.truth().set_index("user_id")
        day = pd.Timestamp(nth(20), tz="UTC")
        scams = truth.index[(truth["active_from"] <= day) & (truth["kind"] != "recruiter")]
        counts.append(platform.day(nth(20))["messages"]["user_id"].isin(scams).sum())
    assert counts[1] < 0.6 * counts[0]


def test_truth_knows_everybody(played):
    """There is one row per user; only scammers have a day on which they begin."""
    truth = small(users=2_000).truth()
    assert truth["user_id"].is_unique
    assert set(played["users"]["user_id"]) <= set(truth["user_id"])
    assert (truth["active_from"].notna() == truth["is_scammer"]).all()
    assert str(truth["active_from"].dtype) == MOMENT


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"users": 3}, "users must be between 10 and"),
        ({"prevalence": 0.9}, "prevalence must be between 0 and 0.5, got 0.9"),
        ({"start": "soon"}, "start must be a day such as 2026-03-31, got 'soon'"),
        ({"shift": {"kind": "flood"}}, "shift.kind must be one of none, new_scam"),
        ({"shift": {"kind": "growth"}}, "shift.day must be given with shift.kind=growth"),
        ({"shift": {"sort": "growth"}}, "shift must have the keys kind and day"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_refuses_options(changes, message):
    """The message names the parameter and what came."""
    with pytest.raises(ConfigurationError, match=message):
        PlatformOptions(**{"start": START} | changes)


def test_takes_days_as_strings():
    """Kedro hands over ISO strings."""
    options = PlatformOptions(start="2026-01-01", shift={"kind": "growth", "day": "2026-02-01"})
    assert (options.start, options.shift.day) == (START, date(2026, 2, 1))


def test_volume_is_as_promised(played):
    """About two messages per user and day, half of the users on a day."""
    user_days = 2_000 * 15
    assert 1.5 < len(played["messages"]) / user_days < 3.5
    daily = played["sessions"].groupby(played["sessions"]["occurred_at"].dt.date)["user_id"]
    assert 0.4 < daily.nunique().mean() / 2_000 < 0.6


def test_one_to_two_percent_of_the_active_scam():
    """Of whoever was active in two weeks of the default size: 2,000 users would be too few."""
    platform = small(users=20_000)
    active = pd.concat([platform.day(nth(day))["sessions"]["user_id"] for day in range(15)])
    truth = platform.truth().set_index("user_id").loc[active.unique()]
    assert 0.01 < (truth["active_from"] <= pd.Timestamp(nth(14), tz="UTC")).mean() < 0.025


def test_people_are_those_who_are_there_and_scam_by_then():
    """On a day everybody has joined and not left; the scammers are those who have begun."""
    platform = small(prevalence=0.2)
    day = START + timedelta(days=9)
    people, truth = platform.people(day), platform.truth().set_index("user_id")
    begun = truth["active_from"] <= pd.Timestamp(day, tz="UTC")
    assert people["is_scammer"].tolist() == begun.loc[people["user_id"]].tolist()
    assert 0 < people["is_scammer"].sum() < len(people)
    joined = pd.concat([platform.day(START + timedelta(days=n))["users"] for n in range(10)])
    assert set(people["user_id"]) < set(joined["user_id"])
    gone = people["user_id"].iloc[:3]
    assert set(people["user_id"]) - set(platform.people(day, gone)["user_id"]) == set(gone)
