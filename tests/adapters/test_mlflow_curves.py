"""Who opens MLflow sees a training's curves grow while it learns."""

from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient

from ucu_mlops.adapters.mlflow_curves import CURVES, MlflowCurves

NAME = "images.training"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[str]:
    """An empty SQLite file, which MLflow's calls without an address go to."""
    before, uri = mlflow.get_tracking_uri(), f"sqlite:///{tmp_path / 'mlflow.db'}"
    mlflow.set_tracking_uri(uri)
    yield uri
    mlflow.set_tracking_uri(before)


def facts_of(epoch: int) -> dict[str, float]:
    """An epoch's end, as training tells it."""
    return {"epoch": float(epoch), **dict.fromkeys(CURVES, epoch / 10)}


def test_a_point_is_there_as_soon_as_its_epoch_is_over(store):
    """While the run is still open, another client reads each curve, a point per epoch."""
    curves, looker = MlflowCurves(NAME), MlflowClient(tracking_uri=store)
    with mlflow.start_run(experiment_id="0") as run:
        for epoch in (1, 2, 3):
            curves.epoch(facts_of(epoch))
            for name in CURVES:
                seen = looker.get_metric_history(run.info.run_id, f"{NAME}.{name}")
                assert [(each.step, each.value) for each in seen] == [
                    (each, each / 10) for each in range(1, epoch + 1)
                ]
        assert looker.get_run(run.info.run_id).info.status == "RUNNING"


def test_without_a_run_nothing_is_begun(store):
    """Where nobody tracks, no run appears because a training ends an epoch."""
    MlflowCurves(NAME).epoch(facts_of(1))
    assert mlflow.active_run() is None
    assert MlflowClient(tracking_uri=store).search_runs(["0"]) == []


def test_a_training_goes_on_without_mlflow(store, caplog):
    """A run that MLflow no longer knows, deleted meanwhile, costs its curves and a warning."""
    with mlflow.start_run(experiment_id="0") as run:
        MlflowClient(tracking_uri=store).delete_run(run.info.run_id)
        MlflowCurves(NAME).epoch(facts_of(4))
        MlflowClient(tracking_uri=store).restore_run(run.info.run_id)
    assert "the curves of epoch 4 are not in MLflow" in caplog.text
