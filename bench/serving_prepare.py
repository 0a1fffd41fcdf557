"""What the contest of servers stands on: a champion, published users, and how each is started."""

import json
import os
import sys
import warnings
from datetime import UTC, datetime
from pathlib import Path

import ibis
import joblib
import numpy as np
import pandas as pd
from sklearn.pipeline import make_pipeline

from bench.scoring import CATEGORICAL, FEATURES, NUMERIC, OPTIONS, WORDS, draw_users
from bench.scoring_ours import DAY
from bench.servers import OURS, QUIET, UVICORN, Start
from ucu_mlops.adapters.sqlite_features import SqliteFeatures
from ucu_mlops.adapters.sqlite_ledger import SqliteLedger
from ucu_mlops.bundle.store import write_bundle
from ucu_mlops.features.online import OnlineFeature, Published, Snapshot
from ucu_mlops.release.moves import override
from ucu_mlops.scam.estimator import fit
from ucu_mlops.scam.training import train

LOOKED_UP = 10_000  # different users, asked for in turn
USER = dict.fromkeys(NUMERIC, 1.5) | dict.fromkeys(CATEGORICAL, WORDS[0])


def prepare(folder: Path, rows: int, users: int) -> None:
    """Train a model, make it champion, publish users, and write what each server is asked.

    Args:
        folder: Empty.
        rows: Users that the model learns from.
        users: Users that are published.
    """
    training_set = draw_users(rows, seed=1)
    draft = train(training_set, FEATURES, OPTIONS, as_of=DAY, training={"training_id": "bench"})
    write_bundle(draft, folder / "bundles/scam/1")
    at = datetime(2026, 4, 1, tzinfo=UTC)
    override(SqliteLedger(folder / "ledger.db"), "scam", "1", "bench", "to be measured", at)
    conf = folder / "conf/base"
    conf.mkdir(parents=True)
    places = {name: str(folder / name) for name in ("ledger.db", "bundles", "spool", "online.db")}
    written = {
        "ledger": places.pop("ledger.db"),
        "online": places.pop("online.db"),
        "tracking_uri": "sqlite:///none.db",
        **places,
    }
    (conf / "globals.yml").write_text(json.dumps(written))
    _publish(folder / "online.db", users)
    _save_pipeline(folder, training_set)
    (folder / "body.json").write_text(json.dumps({"instances": [{"features": USER}]}))
    (folder / "records.json").write_text(json.dumps({"dataframe_records": [USER]}))
    (folder / "tensors.json").write_text(json.dumps(_tensors()))
    asked = np.random.default_rng(0).integers(0, users, LOOKED_UP)
    bodies = [json.dumps({"instances": [{"user_id": f"u{each:07d}"}]}) for each in asked]
    (folder / "ids.jsonl").write_text("\n".join(bodies))


def ours(folder: Path, port: int) -> Start:
    """Start the product."""
    options = {"port": port, "grpc_port": None, "features": {"max_age_days": None}}
    (folder / "conf/base/serving.yml").write_text(json.dumps(options))
    return Start([*OURS, "--conf", str(folder / "conf")])


def nothing(port: int) -> Start:
    """Start the empty application."""
    return Start([*UVICORN, *QUIET, "bench.serving_peers:nothing", "--port", str(port)])


def uvicorn(folder: Path, app: str, port: int) -> Start:
    """Start an application made by a function."""
    command = [*UVICORN, *QUIET, "--factory", app, "--port", str(port)]
    return Start(command, {"BENCH_BUNDLE": str(folder / "bundles/scam/1")})


def mlflow(folder: Path, port: int) -> Start:
    """Start MLflow's own server, one worker."""
    options = ["--env-manager", "local", "--port", str(port), "--workers", "1"]
    command = [sys.executable, "-m", "mlflow", "models", "serve"]
    # It looks for uvicorn on the path.
    environ = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    return Start([*command, "--model-uri", str(folder / "mlflow"), *options], environ)


def mlserver(folder: Path, python: str, port: int) -> Start:
    """Start MLServer, one worker, in its own environment."""
    place = folder / "mlserver"
    settings = {"http_port": port, "grpc_port": port + 1, "metrics_port": port + 2}
    quiet = {"parallel_workers": 0, "debug": False, "host": "127.0.0.1"}
    (place / "settings.json").write_text(json.dumps(settings | quiet))
    # Models are pickled with the product's own classes.
    environ = {"PYTHONPATH": str(Path(__file__).parents[1] / "src")}
    return Start([str(Path(python).with_name("mlserver")), "start", str(place)], environ)


def _publish(path: Path, users: int) -> None:
    table = ibis.memtable(draw_users(users, seed=2).drop(columns=["label", "weight", "as_of"]))
    features = tuple(OnlineFeature(each.name, each.kind, each.definition) for each in FEATURES)
    SqliteFeatures(path).publish(Snapshot(Published(DAY, features), table))


def _save_pipeline(folder: Path, training_set: pd.DataFrame) -> None:
    """Store the fitted scikit-learn pipeline as MLflow's and MLServer's servers take it."""
    import mlflow.sklearn  # noqa: PLC0415 (seconds)

    fitted = fit(training_set, FEATURES, OPTIONS)
    pipeline = make_pipeline(fitted.preprocessing, fitted.classifier)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of its own types, and of pickles
        mlflow.sklearn.save_model(
            pipeline,
            folder / "mlflow",
            pyfunc_predict_fn="predict_proba",
            serialization_format="cloudpickle",
        )
    place = folder / "mlserver"
    place.mkdir()
    joblib.dump(pipeline, place / "model.joblib")
    settings = {
        "name": "scam",
        "implementation": "mlserver_sklearn.SKLearnModel",
        "parameters": {"uri": "./model.joblib"},
    }
    (place / "model-settings.json").write_text(json.dumps(settings))


def _tensors() -> dict[str, object]:
    """Spell the user as MLServer's data frame."""
    kinds = dict.fromkeys(NUMERIC, "FP64") | dict.fromkeys(CATEGORICAL, "BYTES")
    inputs = [
        {
            "name": name,
            "datatype": kinds[name],
            "shape": [1, 1],
            "data": [value],
            **({"parameters": {"content_type": "str"}} if kinds[name] == "BYTES" else {}),
        }
        for name, value in USER.items()
    ]
    outputs = [{"name": "predict_proba"}]
    return {"parameters": {"content_type": "pd"}, "inputs": inputs, "outputs": outputs}
