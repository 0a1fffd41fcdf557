"""Saving moves registry and ledger, loading gives what the ledger says, MLflow there or not."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from kedro.io import DatasetError

from ucu_mlops.adapters.mlflow_registry import MlflowRegistry
from ucu_mlops.adapters.sqlite_ledger import SqliteLedger
from ucu_mlops.bundle.manifest import LabelSpec, Manifest
from ucu_mlops.bundle.store import Draft
from ucu_mlops.datasets.registry import (
    ChallengerDataset,
    ChampionDataset,
    ColdStartDataset,
    LedgerDataset,
)
from ucu_mlops.datasets.reign import Reign
from ucu_mlops.errors import ConfigurationError, ReleaseError
from ucu_mlops.release.moves import Proposal, rollback

AT = datetime(2026, 2, 1, tzinfo=UTC)
WITHOUT_MLFLOW = """
import sys
from ucu_mlops.datasets.registry import ChampionDataset
uri, cache, ledger = sys.argv[1:]
dataset = ChampionDataset(model="scam", tracking_uri=uri, cache=cache, ledger=ledger)
print(dataset.load().version, "mlflow" in sys.modules)
"""


@pytest.fixture
def places(tracking_uri, tmp_path):
    """Name where everything is kept."""
    return {
        "model": "scam",
        "tracking_uri": tracking_uri,
        "artifacts": str(tmp_path / "artifacts"),
        "cache": str(tmp_path / "bundles"),
    }


@pytest.fixture
def ledger(tmp_path):
    """Name the ledger's file."""
    return str(tmp_path / "ledger.db")


@pytest.fixture
def started(places, ledger):
    """Save a rule as first champion and a challenger that is version 2."""
    ColdStartDataset(**places, ledger=ledger, as_of="2026-01-31").save(draft(b"rule"))
    ChallengerDataset(**places).save(draft(b"model"))
    return ChampionDataset(**places, ledger=ledger, as_of="2026-02-01", who="nightly run")


def draft(content, model="scam"):
    manifest = Manifest(model, "model", "2026-01-01", (), (LabelSpec("scam", 0.5),))
    return Draft(manifest, {"model.onnx": content})


def proposal(action="promote", version="2"):
    return Proposal("scam", version, action, "better by 0.1", "d1")


def aliases(places):
    registry = MlflowRegistry(places["tracking_uri"])
    return tuple(
        registry.version_of("scam", name) for name in ("champion", "previous", "challenger")
    )


def test_the_challenger_loaded_is_the_one_saved(places):
    """Also when an older version's content is saved again."""
    dataset = ChallengerDataset(**places)
    assert not dataset.exists()
    for content, version in [(b"one", "1"), (b"two", "2"), (b"one", "1")]:
        dataset.save(draft(content))
        assert dataset.load().version == version
        assert dataset.load().read_bytes("model.onnx") == content
    assert dataset.exists()


def test_no_challenger_is_one_line_with_the_remedy(places):
    """The pipeline that makes one is named."""
    with pytest.raises(
        DatasetError, match="scam has no challenger; run `kedro run --pipeline=scam"
    ):
        ChallengerDataset(**places).load()


def test_a_bundle_of_another_model_is_refused(places):
    """Nothing is registered."""
    with pytest.raises(DatasetError, match="scam: got a bundle of images"):
        ChallengerDataset(**places).save(draft(b"one", model="images"))


def test_the_first_champion_is_made_once(places, ledger):
    """A second cold start with another rule changes nothing."""
    dataset = ColdStartDataset(**places, ledger=ledger, as_of="2026-01-31")
    assert not dataset.exists()
    for content in (b"rule", b"another rule"):
        dataset.save(draft(content))
    assert dataset.load().read_bytes("model.onnx") == b"rule"
    [move] = SqliteLedger(ledger).moves("scam")
    assert (move.kind, move.at) == ("cold_start", AT)


def test_a_promotion_moves_ledger_and_aliases(started, places, ledger):
    """Who and when are recorded, the champion loaded is the new one."""
    started.save(proposal())
    assert started.load().version == "2"
    head = SqliteLedger(ledger).head("scam")
    assert (head.who, head.why, head.decision_id) == ("nightly run", "better by 0.1", "d1")
    assert head.at == datetime(2026, 2, 2, tzinfo=UTC)
    assert aliases(places) == ("2", "1", "2")


def test_a_repeated_promotion_is_one_move(started, ledger):
    """The pipeline may run again."""
    for _ in range(2):
        started.save(proposal())
    assert len(SqliteLedger(ledger).moves("scam")) == 2


def test_keeping_moves_nothing(started, places, ledger):
    """The champion stays and so do the aliases."""
    started.save(proposal("keep"))
    assert started.load().version == "1"
    assert len(SqliteLedger(ledger).moves("scam")) == 1
    assert aliases(places) == ("1", None, "2")


def test_a_version_that_cannot_be_fetched_is_not_promoted(started, ledger):
    """The ledger never names a bundle that nobody could load."""
    with pytest.raises(DatasetError, match="hand over version 9") as caught:
        started.save(proposal(version="9"))
    assert isinstance(caught.value.__cause__, ReleaseError)
    assert SqliteLedger(ledger).head("scam").to_version == "1"


def test_after_a_rollback_a_load_gives_the_old_version_and_mends_the_aliases(
    started, places, ledger
):
    """Only the ledger was moved; the registry follows at the next load."""
    started.save(proposal())
    rollback(SqliteLedger(ledger), "scam", "ann", "complaints", AT)
    assert aliases(places)[0] == "2"
    assert started.load().version == "1"
    assert aliases(places) == ("1", None, "2")


def test_a_cached_champion_is_loaded_without_mlflow(started, places, ledger):
    """With MLflow's database and artifacts gone a fresh process loads it and imports no MLflow."""
    started.save(proposal())
    database = Path(places["tracking_uri"].removeprefix("sqlite:///"))
    database.unlink()
    Path(places["artifacts"]).rename(f"{places['artifacts']} away")
    loaded = subprocess.run(
        [sys.executable, "-c", WITHOUT_MLFLOW, places["tracking_uri"], places["cache"], ledger],
        capture_output=True,
        text=True,
        check=True,
    )
    assert loaded.stdout == "2 False\n"
    assert not database.exists()


def test_a_rollback_works_while_mlflow_is_away(started, places, ledger, caplog):
    """The champion is the old one at once; one line says that the aliases are behind."""
    started.save(proposal())
    database = Path(places["tracking_uri"].removeprefix("sqlite:///"))
    away = database.rename(database.with_suffix(".away"))
    rollback(SqliteLedger(ledger), "scam", "ann", "complaints", AT)
    assert started.load().version == "1"
    assert "the aliases of scam are behind the ledger" in caplog.text
    away.rename(database)
    started.load()
    assert aliases(places) == ("1", None, "2")


def test_aliases_that_somebody_changed_are_mended_on_reconciling(started, places, ledger):
    """What differed is told once; the ledger is not asked what the registry would like."""
    started.save(proposal())
    registry = MlflowRegistry(places["tracking_uri"])
    reign = Reign("scam", registry, SqliteLedger(ledger), Path(places["cache"]))
    assert reign.reconcile() == []
    registry._client.set_registered_model_alias("scam", "champion", "1")
    registry._client.delete_registered_model_alias("scam", "previous")
    assert reign.reconcile() == [
        "scam@champion was 1, is 2",
        "scam@previous was nothing, is 1",
    ]
    assert aliases(places) == ("2", "1", "2")
    assert SqliteLedger(ledger).head("scam").to_version == "2"


def test_the_moves_are_read_and_not_written_through_the_catalog(started, ledger):
    """All moves, oldest first; a save is refused in one line."""
    dataset = LedgerDataset(model="scam", ledger=ledger)
    assert [move.to_version for move in dataset.load()] == ["1"]
    with pytest.raises(DatasetError, match="moved by releases only"):
        dataset.save("a wish")


def test_a_promotion_while_mlflow_is_locked(started, places, ledger, caplog):
    """The ledger moves, one line says that the aliases are behind, and reconciling mends them."""
    database = places["tracking_uri"].removeprefix("sqlite:///")
    with closing(sqlite3.connect(database, isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        started.save(proposal())
    assert SqliteLedger(ledger).head("scam").to_version == "2"
    assert "the aliases of scam are behind the ledger" in caplog.text
    assert "database is locked" in caplog.text
    started.load()
    assert aliases(places) == ("2", "1", "2")


def test_no_champion_is_one_line_with_the_remedy(places, ledger):
    """The pipeline that makes the first is named."""
    dataset = ChampionDataset(**places, ledger=ledger)
    assert not dataset.exists()
    with pytest.raises(DatasetError, match="scam has no champion; run `kedro run --pipeline=scam_"):
        dataset.load()


def test_another_models_proposal_is_refused(started):
    """An entry that is wired to the wrong node moves nothing."""
    with pytest.raises(DatasetError, match="scam: got a proposal for images"):
        started.save(Proposal("images", "1", "promote", "why"))


def test_a_day_that_is_none_is_refused_when_the_entry_is_read(places, ledger):
    """The parameter is named."""
    with pytest.raises(ConfigurationError, match="as_of must be a date"):
        ChampionDataset(**places, ledger=ledger, as_of="tomorrow")
