"""A task does not pay for plugins that it does not need."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
CODE = """
import sys
from pathlib import Path
from ucu_mlops.adapters.vertex.session import open_session
with open_session(Path(sys.argv[1]), "test", {"as_of": "it's"}, sys.argv[2:]) as session:
    context = session.load_context()
    assert context.config_loader.runtime_params == {"as_of": "it's"}
plugins = {"kedro_mlflow", "kedro_viz", "kedro_telemetry", "mlflow", "torch"}
print(sorted(plugins & set(sys.modules)))
"""


def loaded(*plugins: str) -> str:
    """Return which plugins a new process has imported when it could run its first node."""
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(ROOT), *plugins],
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.splitlines()[-1]


def test_no_plugin_is_imported_unasked():
    """A task whose pipeline is not tracked starts without MLflow, Kedro-Viz and telemetry."""
    assert loaded() == "[]"


def test_a_plugin_is_loaded_when_asked():
    """A task whose pipeline is tracked has kedro-mlflow's hooks."""
    assert loaded("kedro-mlflow") == "['kedro_mlflow', 'mlflow']"
