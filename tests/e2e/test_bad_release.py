"""A model of shuffled labels passes no gate, and one that a person lets past is rolled back."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pytest
from kedro.framework.session import KedroSession

from ucu_mlops.adapters.sqlite_ledger import SqliteLedger
from ucu_mlops.datasets import warehouse
from ucu_mlops.loop.day import play_day
from ucu_mlops.loop.here import RunHere
from ucu_mlops.loop.project import Project
from ucu_mlops.release.ledger import Move
from ucu_mlops.release.moves import override
from ucu_mlops.release.probation import WHO

pytestmark = pytest.mark.filterwarnings(
    # The plugins' own: none of it is called by this project.
    "ignore::DeprecationWarning",
    "ignore::UserWarning:mlflow",
)
PAST = date(2026, 3, 31)
SMUGGLED = PAST + timedelta(days=3)  # by then the champion has cases to be compared with
LATEST = SMUGGLED + timedelta(days=9)  # three days until verdicts have matured, and a few of them


@pytest.fixture(scope="module")
def ledger(checkout: Path, project: Project) -> SqliteLedger:
    """Play the past: a model has replaced the rule."""
    project.run("__default__")
    return SqliteLedger(checkout / "data/06_models/ledger.db")


def train_on_shuffled_labels(checkout: Path, seed: int) -> dict:
    """Shuffle the labels that are trained on, train, evaluate and ask the gate."""
    own = "split = 'train' AND trained_as_of = DATE '2026-03-31'"
    with duckdb.connect(str(checkout / "data/warehouse.duckdb")) as connection:
        rows = connection.execute(
            f"SELECT entity_id, as_of, label FROM training_sets_scam WHERE {own} ORDER BY ALL"  # noqa: S608
        ).df()
        rows["label"] = np.random.default_rng(seed).permutation(rows["label"])
        connection.register("shuffled", rows)
        connection.execute(
            "UPDATE training_sets_scam t SET label = s.label FROM shuffled s "  # noqa: S608
            f"WHERE t.entity_id = s.entity_id AND t.as_of = s.as_of AND {own}"
        )
    with KedroSession.create(project_path=checkout, env="test", save_on_close=False) as session:
        session.run(pipeline_names=["scam_retrain"], from_nodes=["scam.train_candidate"])
        try:
            return session.load_context().catalog.load("scam.gate")
        finally:
            warehouse.close_all()


@pytest.fixture(scope="module")
def gates(checkout: Path, ledger: SqliteLedger) -> list[dict]:
    """Ask the gate about three models of shuffled labels."""
    return [train_on_shuffled_labels(checkout, seed) for seed in range(3)]


def test_shuffled_labels_pass_no_gate(gates, ledger):
    """The gate keeps the champion and names what failed, for each shuffle."""
    assert [gate["action"] for gate in gates] == ["keep"] * 3
    for gate in gates:
        failed = {each["name"] for each in gate["conditions"] if not each["holds"]}
        assert failed & {"beats_chance", "gain_above_margin"}
    assert ledger.head("scam").to_version == gates[0]["champion"] == "2"


@pytest.fixture(scope="module")
def undone(gates, project: Project, ledger: SqliteLedger) -> Move:
    """Let a person release one of them; pipelines alone run, as Airflow runs them, to a move."""
    day, smuggled = PAST, None
    while day < LATEST and ledger.head("scam").who != WHO:
        if day == SMUGGLED:
            at = datetime.combine(day + timedelta(days=1), time(3), UTC)
            smuggled = override(ledger, "scam", gates[-1]["challenger"], "eve", "trust me", at)
        day += timedelta(days=1)
        for pipeline in ("simulation_day", "scam_daily"):
            project.run(pipeline, as_of=day.isoformat())
    assert smuggled is not None
    return ledger.head("scam")


def test_a_bad_release_is_undone_by_probation(undone, gates):
    """Within nine days its predecessor is champion again, and the move says why in figures."""
    assert (undone.kind, undone.who) == ("rollback", "probation")
    assert (undone.from_version, undone.to_version) == (gates[-1]["challenger"], "2")
    assert "decided cases confirmed" in undone.why


def test_it_stays_undone(undone, project: Project, ledger: SqliteLedger):
    """The day played again is judged by the moves it knew, as it was then, and moves nothing."""
    moves = ledger.moves("scam")
    day = undone.at.date() - timedelta(days=1)
    play_day(project, "scam", day, RunHere(project), simulated=True)
    assert ledger.moves("scam") == moves
    with project.catalog(as_of=day.isoformat()) as catalog:
        assert catalog.load("scam.probation")["state"] == "failed"


def test_nothing_is_on_trial_any_more(undone, project: Project, ledger: SqliteLedger):
    """The day after, the version that was put back is not tried anew, and nothing moves."""
    moves, day = ledger.moves("scam"), undone.at.date()
    play_day(project, "scam", day, RunHere(project), simulated=True)
    with project.catalog(as_of=day.isoformat()) as catalog:
        assert catalog.load("scam.probation")["state"] == "none"
    assert [each for each in ledger.moves("scam") if each.kind == "rollback"] == [
        each for each in moves if each.kind == "rollback"
    ]
