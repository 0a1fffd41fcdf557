"""The past has a queue for each day but the last, verdicts that follow, and users who depart."""

import gc
import weakref
from datetime import date, timedelta

import ibis
import pandas as pd
import pytest

from ucu_mlops.errors import ConfigurationError
from ucu_mlops.review.options import ReviewOptions
from ucu_mlops.review.queue import CASE_COLUMNS
from ucu_mlops.simulation.history import HistoryOptions, play_day, play_history
from ucu_mlops.simulation.moderators import VERDICT_TYPES, ModeratorOptions
from ucu_mlops.simulation.platform import SOURCE_TABLES, Platform, PlatformOptions

START, END = date(2026, 1, 1), date(2026, 1, 21)
MODERATORS = ModeratorOptions(capacity=25, error_rate=0.02)
REVIEW = ReviewOptions(capacity=30)


def play(*args) -> dict[str, pd.DataFrame]:
    """Play a history and put its days together."""
    days = list(play_history(*args))
    return {name: pd.concat([day[name] for day in days], ignore_index=True) for name in days[0]}


@pytest.fixture(scope="module")
def platform():
    return Platform(PlatformOptions(start=START, users=3_000, prevalence=0.05, horizon_days=40))


@pytest.fixture(scope="module")
def history(platform):
    return play(platform, MODERATORS, REVIEW, HistoryOptions(end=END))


@pytest.fixture(scope="module")
def decided(history):
    return history["cases"].merge(history["verdicts"], on="case_id")


def test_has_all_tables_with_their_columns(history):
    """Source tables, cases and verdicts, with the columns that the warehouse knows."""
    assert list(history) == [*SOURCE_TABLES, "cases", "verdicts"]
    assert list(history["cases"]) == list(CASE_COLUMNS)
    types = {name: str(dtype) for name, dtype in history["verdicts"].dtypes.items()}
    assert types == VERDICT_TYPES


def test_covers_its_days(history):
    """Events and verdicts up to the last day, cases up to the day before it."""
    for table in SOURCE_TABLES:
        days = history[table]["ingested_at"].dt.date
        assert (days.min(), days.max()) == (START, END)
    assert set(history["cases"]["as_of"]) == {
        START + timedelta(days=number) for number in range((END - START).days)
    }
    assert history["verdicts"]["decided_at"].dt.date.max() == END


def test_has_all_sources_of_cases(history):
    """The old process queues by reports, explores and looks again."""
    assert {"rule", "exploration", "second_look"} <= set(history["cases"]["source"])


def test_respects_both_capacities(history):
    """No day has more cases than the queue's capacity, nor more verdicts than the moderators'."""
    assert history["cases"].groupby("as_of").size().max() <= REVIEW.capacity
    days = history["verdicts"]["decided_at"].dt.date
    assert days.value_counts().max() <= MODERATORS.capacity


def test_finds_scammers_among_many_others(decided):
    """Of the decided first looks a tenth to a half are confirmed."""
    firsts = decided[decided["first_case_id"].isna()]
    assert 0.1 < firsts["is_violation"].mean() < 0.5
    assert firsts["is_violation"].sum() > 30


def test_verdicts_are_about_the_queued_alone(platform, history):
    """Labels are selected: each verdict has its case, and most scammers never got one."""
    assert set(history["verdicts"]["case_id"]) <= set(history["cases"]["case_id"])
    truth = platform.truth()
    began = truth[truth["active_from"] < pd.Timestamp(END, tz="UTC")]
    assert 0.05 < began["user_id"].isin(history["cases"]["entity_id"]).mean() < 0.8


def test_second_looks_are_by_another_moderator(decided):
    """Each second look's moderator differs from the first look's."""
    pairs = decided.merge(
        decided, left_on="first_case_id", right_on="case_id", suffixes=("", "_first")
    )
    assert len(pairs)
    assert (pairs["moderator_id"] != pairs["moderator_id_first"]).all()


def test_the_confirmed_depart_the_day_after(history, decided):
    """A confirmed user's events end with the day of the verdict, unless it was overruled."""
    overruled = set(decided["first_case_id"].dropna())
    confirmed = decided[decided["is_violation"] & decided["first_case_id"].isna()]
    confirmed = confirmed[~confirmed["case_id"].isin(overruled)]
    for table in ("sessions", "messages", "reports"):
        events = history[table].merge(
            confirmed, left_on="user_id", right_on="entity_id", suffixes=("", "_case")
        )
        assert len(events)
        assert (events["ingested_at"].dt.date <= events["decided_at"].dt.date).all()


def test_who_was_wrongly_sent_away_comes_back(platform, history):
    """A second look that overrules a confirmation lets the user act again."""
    cases, verdicts = history["cases"], history["verdicts"]
    day = END + timedelta(days=1)
    before = play_day(platform, MODERATORS, cases, verdicts, day)
    is_first = cases["case_id"].isin(verdicts.loc[verdicts["is_violation"], "case_id"])
    firsts = cases[is_first & cases["first_case_id"].isna()]
    seconds = firsts.assign(case_id=firsts["case_id"] + "-2", first_case_id=firsts["case_id"])
    overruling = pd.DataFrame(
        {
            "verdict_id": seconds["case_id"],
            "case_id": seconds["case_id"],
            "moderator_id": "moderator-9",
            "is_violation": False,
            "decided_at": pd.Timestamp(END, tz="UTC").as_unit("us"),
        }
    ).astype(VERDICT_TYPES)
    after = play_day(
        platform, MODERATORS, pd.concat([cases, seconds]), pd.concat([verdicts, overruling]), day
    )
    back = set(after["messages"]["user_id"]) - set(before["messages"]["user_id"])
    assert back
    assert back <= set(firsts["entity_id"])


def test_a_day_played_alone_is_the_day_in_the_history(platform, history):
    """Given cases and verdicts from a warehouse, the running loop gets what the history got."""
    warehouse = ibis.duckdb.connect()
    stored = {}
    for name in ("cases", "verdicts"):
        warehouse.con.register("played", history[name])
        warehouse.raw_sql(f"CREATE TABLE {name} AS FROM played")
        stored[name] = warehouse.table(name).to_pyarrow().to_pandas()
    played = play_day(Platform(platform.options), MODERATORS, **stored, day=END)
    for table in SOURCE_TABLES:
        rows = history[table]
        expected = rows[rows["ingested_at"].dt.date == END].reset_index(drop=True)
        pd.testing.assert_frame_equal(played[table], expected)
    verdicts = history["verdicts"]
    expected = verdicts[verdicts["decided_at"].dt.date == END].reset_index(drop=True)
    pd.testing.assert_frame_equal(played["verdicts"], expected)


def test_a_longer_history_begins_like_a_shorter_one(platform, history):
    """Nothing in the past depends on where it ends."""
    shorter = play(platform, MODERATORS, REVIEW, HistoryOptions(end=date(2026, 1, 9)))
    for table in ("messages", "cases", "verdicts"):
        rows = history[table].head(len(shorter[table]))
        pd.testing.assert_frame_equal(rows, shorter[table])


def test_a_day_of_the_past_is_forgotten(platform):
    """Ten days on, nothing holds a day's events any more: the past costs no memory per day."""
    past = play_history(platform, MODERATORS, REVIEW, HistoryOptions(end=END))
    day = next(past)
    first = [weakref.ref(day[table]) for table in SOURCE_TABLES]
    del day
    for _ in range(10):
        next(past)
    gc.collect()
    assert [rows() for rows in first] == [None] * len(SOURCE_TABLES)


def test_without_capacity_nothing_is_queued(platform):
    """A queue of no places makes no cases and no verdicts, and the tables keep their columns."""
    played = play(platform, MODERATORS, ReviewOptions(capacity=0), HistoryOptions(end="2026-01-04"))
    assert played["cases"].empty
    assert list(played["verdicts"]) == list(VERDICT_TYPES)


@pytest.mark.parametrize("end", ["2025-12-31", "2026-02-10"], ids=["too early", "too late"])
def test_refuses_an_end_it_cannot_play(platform, end):
    """Before a day is played the message says which days there are."""
    with pytest.raises(ConfigurationError, match=f"from 2026-01-01 to 2026-02-09, got {end}"):
        play_history(platform, MODERATORS, REVIEW, HistoryOptions(end=end))
