"""A day whose decision is to retrain ends with the gate's verdict, once."""

import textwrap
from datetime import date
from pathlib import Path

import duckdb
import pytest

from ucu_mlops.adapters.sqlite_ledger import SqliteLedger
from ucu_mlops.loop.day import DayReport, play_day
from ucu_mlops.loop.here import RunHere
from ucu_mlops.loop.project import Project

pytestmark = pytest.mark.filterwarnings(
    # The plugins' own: none of it is called by this project.
    "ignore::DeprecationWarning",
    "ignore::UserWarning:mlflow",
)
DAY = date(2026, 4, 1)


@pytest.fixture(scope="module")
def retrained(checkout: Path, project: Project) -> DayReport:
    """Play a day on which everybody writes in a worse mood, and one day's drift is enough."""
    (checkout / "conf/test/parameters/nervous.yml").write_text(
        textwrap.dedent("""\
            decision:
              scam:
                {days: 1, drifting_days: 1, min_weight: 0, cooldown_days: 0, min_verdicts: 1}
        """)
    )
    project.run("__default__")
    project.run("simulation_day", as_of=DAY.isoformat())
    with duckdb.connect(checkout / "data/warehouse.duckdb") as warehouse:
        warehouse.execute(
            "UPDATE messages SET sentiment = sentiment - 0.5 WHERE occurred_at >= ?", [DAY]
        )
    return play_day(project, "scam", DAY, RunHere(project), simulated=False)


def test_drift_leads_to_a_comparison(retrained, project):
    """The day is scored by the champion, and its challenger was trained for the same day."""
    assert retrained.action == "retrain"
    assert any("moved: Jensen-Shannon" in reason for reason in retrained.reasons)
    assert retrained.gate in {"promote", "keep"}
    with project.catalog(as_of=DAY.isoformat()) as catalog:
        assert catalog.load("scam.challenger").manifest.as_of == DAY.isoformat()
        assert catalog.load("scam.gate")["champion"] == retrained.version


def test_the_ledger_follows_the_gate(retrained, checkout, project):
    """A challenger that the gate lets through is champion, with the decision it was promoted on."""
    head = SqliteLedger(checkout / "data/06_models/ledger.db").head("scam")
    with project.catalog(as_of=DAY.isoformat()) as catalog:
        gate = catalog.load("scam.gate")
    promoted = (head.to_version, head.decision_id) == (gate["challenger"], gate["decision_id"])
    assert promoted == (gate["action"] == "promote")


def test_the_decision_is_acted_on_once(retrained, checkout, project):
    """The day played again tells the same, decides the same, trains and moves nothing."""
    ledger = SqliteLedger(checkout / "data/06_models/ledger.db")
    moves = ledger.moves("scam")
    with project.catalog() as catalog:
        challenger = catalog.load("scam.challenger").version
    assert play_day(project, "scam", DAY, RunHere(project), simulated=False) == retrained
    assert ledger.moves("scam") == moves
    with project.catalog() as catalog:
        assert catalog.load("scam.challenger").version == challenger
