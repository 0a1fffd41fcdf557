"""What a trial has shown is acted on where it is saved, whoever runs the pipeline."""

import logging

import pytest

from ucu_mlops.adapters.sqlite_ledger import SqliteLedger
from ucu_mlops.bundle.manifest import LabelSpec, Manifest
from ucu_mlops.bundle.store import Draft
from ucu_mlops.datasets.registry import ChallengerDataset, ChampionDataset, ColdStartDataset
from ucu_mlops.datasets.trial import TrialDataset
from ucu_mlops.release.moves import Proposal


def draft(content):
    manifest = Manifest("scam", "model", "2026-01-01", (), (LabelSpec("scam", 0.5),))
    return Draft(manifest, {"model.onnx": content})


def found(state):
    """Say what a trial of version 2 found."""
    sides = {"decided": 40, "confirmed": 4, "precision": 0.1}
    return {
        "state": state,
        "as_of": "2026-02-09",
        "version": "2",
        "predecessor": "1",
        "revision": 2,
        "evidence": {"trial": sides, "before": sides},
    }


@pytest.fixture
def places(tracking_uri, tmp_path):
    """Name where everything is kept, version 2 champion after a rule whose file is no model."""
    places = {
        "model": "scam",
        "tracking_uri": tracking_uri,
        "cache": str(tmp_path / "bundles"),
        "artifacts": str(tmp_path / "artifacts"),
    }
    kept = {"ledger": str(tmp_path / "ledger.db"), "as_of": "2026-01-31"}
    ColdStartDataset(**places, **kept).save(draft(b"rule"))
    ChallengerDataset(**places).save(draft(b"model"))
    ChampionDataset(**places, **kept).save(Proposal("scam", "2", "promote", "better", "d1"))
    return places | kept | {"as_of": "2026-02-09"}


@pytest.mark.parametrize("state", ["none", "on_trial", "passed", "untested"])
def test_what_did_not_fail_stays(places, state, caplog):
    """Nothing moves, and nobody is told of a failure."""
    with caplog.at_level(logging.WARNING):
        TrialDataset(**places).save(found(state))
    assert TrialDataset(**places).load().to_version == "2"
    assert not caplog.records


def test_a_predecessor_that_does_not_load_stops_no_day(places, caplog):
    """The error says so in one line; the version there is stays, and the run goes on."""
    TrialDataset(**places).save(found("failed"))
    assert SqliteLedger(places["ledger"]).head("scam").revision == 2
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert "scam failed its trial and was not rolled back" in record.getMessage()


def test_whoever_moved_since_wins(places, caplog):
    """A finding about an older revision moves nothing, and does not even load a version."""
    TrialDataset(**places).save(found("failed") | {"revision": 1})
    assert SqliteLedger(places["ledger"]).head("scam").revision == 2
    assert not caplog.records
