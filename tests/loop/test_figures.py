"""Precision counts decided cases; recall counts scammers that could be reached that day."""

import pandas as pd

from ucu_mlops.loop.figures import day_figures

DAY = pd.Timestamp("2026-04-01")
NOON = pd.Timestamp("2026-04-02 12:00", tz="UTC")


def figures(cases: list[tuple], verdicts: list[tuple], scammers: list[str]) -> dict:
    """Return the figures of 2026-04-01 for users a to e, all active."""
    users = list("abcde")
    return (
        day_figures(
            pd.DataFrame(
                cases, columns=["case_id", "entity_id", "as_of", "source", "first_case_id"]
            ).astype({"as_of": "datetime64[us]"}),
            pd.DataFrame(verdicts, columns=["case_id", "is_violation", "decided_at"]),
            pd.DataFrame({"entity_id": users, "as_of": DAY}),
            pd.DataFrame(
                {
                    "user_id": users,
                    "is_scammer": [user in scammers for user in users],
                    "active_from": pd.Timestamp("2026-01-01", tz="UTC"),
                }
            ),
        )
        .iloc[0]
        .to_dict()
    )


def test_one_of_two_scammers_is_reached():
    """Two reachable scammers, one in the queue: recall one half; one of two cases right."""
    found = figures(
        [("1", "a", DAY, "model", None), ("2", "c", DAY, "model", None)],
        [("1", True, NOON), ("2", False, NOON)],
        scammers=["a", "b"],
    )
    assert (found["recall"], found["precision"], found["cases"]) == (0.5, 0.5, 2)


def test_the_waiting_are_not_reachable():
    """A scammer whose case of an earlier day is undecided is neither caught nor missed."""
    yesterday = DAY - pd.Timedelta(days=1)
    found = figures([("1", "a", yesterday, "model", None)], [("1", True, NOON)], scammers=["a"])
    assert found["reachable"] == 0


def test_the_confirmed_are_not_reachable():
    """A scammer confirmed before the day's end no longer counts."""
    earlier = DAY - pd.Timedelta(days=2)
    confirmed = [("1", True, DAY.tz_localize("UTC"))]
    assert figures([("1", "a", earlier, "rule", None)], confirmed, scammers=["a"])["reachable"] == 0


def test_those_who_do_not_scam_yet_are_not_missed():
    """Somebody who turns scammer after the day is not among its scammers."""
    users = pd.DataFrame(
        {
            "user_id": ["a"],
            "is_scammer": [True],
            "active_from": [pd.Timestamp("2026-05-01", tz="UTC")],
        }
    )
    empty = pd.DataFrame(columns=["case_id", "entity_id", "as_of", "source", "first_case_id"])
    found = day_figures(
        empty.astype({"as_of": "datetime64[us]"}),
        pd.DataFrame(columns=["case_id", "is_violation", "decided_at"]),
        pd.DataFrame({"entity_id": ["a"], "as_of": [DAY]}),
        users,
    ).iloc[0]
    assert found["reachable"] == 0
