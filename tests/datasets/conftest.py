"""A warehouse and an MLflow of its own for each test; the warehouse is given back afterwards."""

import shutil
import warnings

import pandas as pd
import pytest

from ucu_mlops.datasets import warehouse


@pytest.fixture
def connection(tmp_path):
    """Configure a warehouse in a folder that is not there yet."""
    yield {"backend": "duckdb", "database": str(tmp_path / "new" / "warehouse.duckdb")}
    warehouse.close_all()


@pytest.fixture
def frame():
    """Make (id, day, amount) rows, at noon UTC of their day, into a frame."""

    def make(*rows):
        made = pd.DataFrame(rows, columns=["id", "at", "amount"])
        noon = pd.to_datetime(made["at"] + "T12:00", utc=True).dt.as_unit("us")
        return made.assign(id=made["id"].astype("str"), at=noon)

    return make


@pytest.fixture(scope="session")
def empty_mlflow(tmp_path_factory):
    """Make MLflow's tables, once for all rooms that ask."""
    path = tmp_path_factory.getbasetemp() / "empty_mlflow.db"
    if not path.exists():
        from mlflow import MlflowClient  # noqa: PLC0415 (seconds; not every test needs it)
        from sqlalchemy.exc import SADeprecationWarning  # noqa: PLC0415 (as above)

        with warnings.catch_warnings():
            # MLflow 3.17's own mapping, once at its first use.
            warnings.filterwarnings("ignore", "The ``noload`` loader", SADeprecationWarning)
            MlflowClient(f"sqlite:///{path}").search_registered_models()
    return path


@pytest.fixture
def tracking_uri(empty_mlflow, tmp_path):
    """Give a test an empty MLflow of its own."""
    path = tmp_path / "mlflow.db"
    shutil.copy(empty_mlflow, path)
    return f"sqlite:///{path}"
