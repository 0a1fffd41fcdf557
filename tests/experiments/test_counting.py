"""Arms counted in a real warehouse, and the same query read by BigQuery's analyzer."""

from datetime import UTC, date, datetime

import ibis
import pandas as pd
import pytest

from tests.experiments.made import FIRST, experiment
from ucu_mlops.experiments.counting import arms_by_day, shadows_by_variant

AS_OF = FIRST.replace(day=20)
REQUESTS = {
    "request_id": "string",
    "experiment": "string",
    "variant": "string",
    "shadow": "boolean",
    "entity_id": "string",
    "day": "date",
    "probabilities": "string",
    "error": "string",
    "latency_ms": "float64",
}
VERDICTS = {"entity_id": "string", "is_violation": "boolean", "decided_at": "timestamp('UTC', 6)"}
CHOSEN = experiment(maturity_days=7)


def asked(user, day, *, flagged=False, **changed):
    """One answer's row."""
    labels = '{"scam":{"probability":0.5,"threshold":0.5,"decision":%s}}'
    whole = {
        "request_id": f"{user}-{day}",
        "experiment": "newer",
        "variant": "candidate",
        "shadow": False,
        "entity_id": user,
        "day": FIRST.replace(day=day),
        "probabilities": labels % str(flagged).lower(),
        "error": None,
        "latency_ms": 2.0,
    }
    return whole | changed


def judged(user, day, *, positive=True):
    """One verdict's row."""
    at = datetime(2026, 4, day, 9, tzinfo=UTC)
    return {"entity_id": user, "is_violation": positive, "decided_at": at}


def table(rows, schema):
    """Make a table, of no rows too."""
    return ibis.memtable(pd.DataFrame(rows, columns=[*schema]), schema=schema)


def counted(requests, verdicts=()):
    """Count; the arms by variant and day of entry."""
    found = arms_by_day(table(requests, REQUESTS), table(verdicts, VERDICTS), CHOSEN, AS_OF)
    rows = found.execute()
    rows["day"] = pd.to_datetime(rows["day"]).dt.day
    return rows.set_index(["variant", "day"]).sort_index()


def test_an_entity_counts_once_by_its_first_day():
    """Asked on three days it is one entity; what comes after the first day is no case."""
    rows = counted([asked("a", 1), asked("a", 2, flagged=True), asked("a", 3), asked("b", 1)])
    assert rows["entities"].to_dict() == {("candidate", 1): 2}
    assert (rows["cases"].sum(), rows["confirmed"].sum()) == (0, 0)


@pytest.mark.parametrize(
    ("flagged_on", "verdict", "confirmed"),
    [
        (1, judged("a", 4), 1),
        (5, judged("a", 6), 1),
        (1, judged("a", 4, positive=False), 0),
        (1, judged("a", 7), 1),
        (1, judged("a", 8), 0),
        (8, judged("a", 7), 0),
        (1, judged("b", 4), 0),
    ],
)
def test_confirmed_is_flagged_and_decided_in_time(flagged_on, verdict, confirmed):
    """Within seven days of the entry, the first one counted; of the same entity, and positive."""
    requests = [asked("a", 1, flagged=flagged_on == 1), asked("b", 1)]
    if flagged_on > 1:
        requests.append(asked("a", flagged_on, flagged=True))
    assert counted(requests, [verdict])["confirmed"].sum() == confirmed


def test_only_the_experiments_own_answers_count():
    """Shadows, other experiments, later days and answers about nobody are left out."""
    rows = counted(
        [
            asked("a", 1),
            asked("b", 1, shadow=True),
            asked("c", 1, experiment="other"),
            asked("d", 1, experiment=None),
            asked("e", 21),
            asked(None, 1),
        ]
    )
    assert rows["entities"].sum() == 1


def test_failures_and_latency_are_those_of_the_first_day():
    """Per entity: failed if any answer had an error; the mean latency, summed with its square."""
    rows = counted(
        [
            asked("a", 1, latency_ms=1.0),
            asked("a", 1, latency_ms=3.0, error="no room", probabilities=None),
            asked("a", 2, latency_ms=100.0),
            asked("b", 1, latency_ms=5.0),
        ]
    )
    assert rows[["failed", "latency", "latency_squares"]].to_numpy().tolist() == [[1, 7.0, 29.0]]


def test_shadows_are_paired_with_what_went_out():
    """By request id: flagged by both, by one, and failed ones apart."""
    shadow = {"shadow": True, "latency_ms": 4.0}
    real = {"experiment": None, "variant": "champion"}
    rows = []
    for user, ours, theirs in (("a", True, True), ("b", True, False), ("c", False, True)):
        rows += [asked(user, 1, flagged=theirs, **real), asked(user, 1, flagged=ours, **shadow)]
    rows += [asked("d", 1, **real), asked("d", 1, **shadow, error="x", probabilities=None)]
    chosen = experiment(shadow=True)
    (found,) = shadows_by_variant(table(rows, REQUESTS), chosen, AS_OF).execute().to_dict("records")
    assert found == {
        "variant": "candidate",
        "answers": 4,
        "failed": 1,
        "both": 1,
        "only_control": 1,
        "only_variant": 1,
        "latency_ms": 4.0,
    }


def test_bigquery_reads_the_same_queries(bigquery):
    """Both compile to what BigQuery's analyzer accepts."""
    requests, verdicts = ibis.table(REQUESTS, "requests"), ibis.table(VERDICTS, "verdicts")
    judge = bigquery([requests, verdicts])
    for query in (
        arms_by_day(requests, verdicts, CHOSEN, date(2026, 4, 20)),
        shadows_by_variant(requests, experiment(shadow=True), date(2026, 4, 20)),
    ):
        judge(str(ibis.to_sql(query, dialect="bigquery")))
