"""What most would write: a fitted scikit-learn pipeline on a pandas frame."""

from pathlib import Path

import joblib
import pandas as pd
from scipy.special import logit


def pandas_pipeline(folder: Path) -> pd.DataFrame:
    """Score a Parquet file of inputs with the fitted pipeline, whole, into a Parquet file."""
    pipeline, calibration = joblib.load(folder / "pipeline.joblib")
    frame = pd.read_parquet(folder / "inputs.parquet")
    features = frame.drop(columns=["entity_id", "as_of"])
    features = features.fillna({name: "" for name in features if name.startswith("word_")})
    raw = logit(pipeline.predict_proba(features)[:, 1])
    scores = frame[["entity_id"]].assign(probability=calibration.apply(raw))
    scores.to_parquet(folder / "scores.parquet", index=False)
    return scores
