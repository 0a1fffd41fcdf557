"""One empty MLflow database, copied for each test: making it takes seconds."""

import shutil
import warnings

import pytest


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
