"""The loop plays, watches, retrains and releases the image model by the code that serves scam."""

import json
import textwrap
from pathlib import Path
from typing import Any

import pytest

from ucu_mlops.adapters.sqlite_ledger import SqliteLedger
from ucu_mlops.loop.drill import DrillOptions, drill
from ucu_mlops.loop.drill_page import summary, write_drill
from ucu_mlops.loop.project import Project

pytestmark = pytest.mark.filterwarnings(
    # The plugins' and the exporter's own: none of it is called by this project.
    "ignore::DeprecationWarning",
    "ignore::FutureWarning",
    "ignore::UserWarning",
)
OPTIONS = DrillOptions(model="images", shift_day=2, days_after=1, window=1)
RETRAINED = "2026-04-02"


@pytest.fixture(scope="module")
def plays(checkout: Path) -> list[dict[str, Any]]:
    """Drill a platform whose version is due for another training on its second day."""
    (checkout / "conf/test/parameters/due.yml").write_text(
        textwrap.dedent("""\
            decision:
              images: {max_age_days: 2, min_verdicts: 1, cooldown_days: 2}
        """)
    )
    return list(drill(checkout, "test", OPTIONS, ["new_look"], [5]))


@pytest.fixture(scope="module")
def played(plays, checkout: Path) -> Project:
    """The checkout that was played in, as the day of the retraining left it."""
    return Project(checkout / "data/drill/new_look-5", "test")


def test_the_story_is_told_as_any_models_is(plays, tmp_path):
    """Days, decisions and recall are in drill.json, the page and the line."""
    (found,) = plays
    assert (found["days_over_capacity"], found["duplicate_cases"]) == (0, 0)
    assert "retrain" in {day["action"] for day in found["days"]}
    assert 0 <= found["recall_after_shift"] <= 1
    write_drill(plays, tmp_path)
    (told,) = json.loads((tmp_path / "drill.json").read_text(encoding="utf-8"))
    assert (told["model"], told["kind"]) == ("images", "new_look")
    assert "new_look, seed 5" in (tmp_path / "drill.html").read_text(encoding="utf-8")
    assert summary(found).startswith("new_look, seed 5: ")


def test_each_day_is_stored_scored_and_monitored(played):
    """Each stored picture of a day has a score per label, and the day a decision."""
    with played.catalog(as_of=RETRAINED) as catalog:
        uploads, scores = (catalog.load(name).execute() for name in ("uploads", "images.scores"))
        stored = set(catalog.load("images.shards").index["image_id"])
        decision = catalog.load("images.monitoring")
    todays = uploads[uploads["ingested_at"].dt.strftime("%F") == RETRAINED]
    own = scores[scores["as_of"].astype(str).str.startswith(RETRAINED)]
    assert set(own["entity_id"]) == stored & set(todays["image_id"]) != set()
    assert (own.groupby("entity_id")["label"].nunique() == own["label"].nunique()).all()
    assert decision["action"] == "retrain"


def test_moderators_decide_pictures_where_they_are_queued(played):
    """Cases get verdicts within the capacity; after the past no picture is labelled unasked."""
    with played.catalog(as_of=RETRAINED) as catalog:
        cases = catalog.load("images.queue").execute()
        verdicts = catalog.load("verdicts").execute()
        given = catalog.load("image_labels").execute()
    assert len(verdicts) > 0
    assert set(verdicts["case_id"]) <= set(cases["case_id"])
    capacity = played.configuration("parameters")["simulation"]["image_moderators"]["capacity"]
    assert verdicts.groupby(verdicts["decided_at"].dt.date).size().max() <= capacity
    assert not given["image_id"].str.startswith("i202604").any()


def test_the_day_that_asks_for_it_ends_with_the_gates_verdict(plays, played):
    """The challenger was made for that day, and knows what moderators decided by then."""
    (told,) = [day for day in plays[0]["days"] if day["as_of"] == RETRAINED]
    assert told["action"] == "retrain"
    with played.catalog(as_of=RETRAINED) as catalog:
        challenger, gate = catalog.load("images.challenger"), catalog.load("images.gate")
        rows = catalog.load("images.training_set").execute()
        decided = catalog.load("verdicts").execute()
    assert challenger.manifest.as_of == RETRAINED
    assert gate["challenger"] == str(challenger.version)
    assert gate["action"] in {"promote", "keep"}
    learnt = rows[rows["trained_as_of"].astype(str).str.startswith(RETRAINED)]
    assert learnt["entity_id"].str.startswith("i202604").any() == bool(
        (decided["decided_at"].dt.strftime("%F") <= RETRAINED).any()
    )


def test_the_ledger_follows_the_gate(played, checkout):
    """What the gate lets through is champion, with the decision it was promoted on."""
    ledger = SqliteLedger(checkout / "data/drill/new_look-5/data/06_models/ledger.db")
    with played.catalog(as_of=RETRAINED) as catalog:
        gate = catalog.load("images.gate")
    promoted = gate["decision_id"] in {move.decision_id for move in ledger.moves("images")}
    assert promoted == (gate["action"] == "promote")
