"""Served is what batch scoring would have said."""

import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.serving.sites import FEATURES, Site, serving
from tests.serving.test_pictures import code, jpeg, plain
from ucu_mlops.bundle.manifest import FeatureSpec
from ucu_mlops.bundle.predict import Predictor, model_inputs
from ucu_mlops.bundle.rows import ordered, row_inputs
from ucu_mlops.bundle.store import read_bundle, write_bundle
from ucu_mlops.images.answers import reader_rule, scores_of
from ucu_mlops.images.decoding import DecodingOptions
from ucu_mlops.images.labels import parse_labels
from ucu_mlops.images.online import OnlinePictures
from ucu_mlops.scam.estimator import TrainingOptions
from ucu_mlops.scam.reasons import explain
from ucu_mlops.scam.training import train

NUMBERS = st.none() | st.floats() | st.integers(-(2**70), 2**70) | st.booleans()
WORDS = st.none() | st.text(max_size=5)
SPECS = (
    FeatureSpec("amount", "numeric", "messages", "a1"),
    FeatureSpec("count", "numeric", "messages", "a2"),
    FeatureSpec("place", "categorical", "profile", "b1"),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.fixed_dictionaries({"x": NUMBERS, "place": WORDS}), min_size=1, max_size=5))
@example([{"x": each, "place": ""} for each in (np.inf, -np.inf, 1e308, -1e308, None)])
def test_a_callers_rows_become_the_inputs_that_a_frame_gives(rows):
    """Null, NaN, infinite and huge numbers, and any words, are read as training reads them."""
    served = row_inputs([ordered(row, FEATURES) for row in rows], FEATURES)
    columns = {
        "x": pd.array([None if r["x"] is None else float(r["x"]) for r in rows], "float64"),
        "place": pd.Series([row["place"] for row in rows], dtype=object),
    }
    batch = model_inputs(pd.DataFrame(columns), FEATURES)
    for spec in FEATURES:
        assert served[spec.name].dtype == batch[spec.name].dtype
        np.testing.assert_array_equal(served[spec.name], batch[spec.name])


def users(count, seed):
    """Draw users, some of them scammers, some of what is known of them unknown."""
    rng = np.random.default_rng(seed)
    scam = rng.random(count) < 0.3
    amount = np.where(rng.random(count) < 0.1, np.nan, rng.lognormal(scam * 1.0, 1.0))
    return pd.DataFrame(
        {
            "entity_id": [f"u{each}" for each in range(count)],
            "amount": amount,
            "count": rng.integers(0, 50, count).astype("float64"),
            "place": pd.array(rng.choice(["UA", "PL", None], count), "str"),
            "label": scam.astype("int64"),
            "weight": 1.0,
        }
    )


def test_a_served_model_answers_as_the_batch_does(tmp_path):
    """A trained scam model gives each user the probability, decision and reasons of the batch."""
    options = TrainingOptions(lightgbm={"n_estimators": 20}, calibration_folds=2)
    trained = train(
        users(600, 1),
        SPECS,
        options,
        as_of=pd.Timestamp("2026-03-31").date(),
        training={"training_id": "t"},
    )
    site, asked = Site(tmp_path), users(60, 2)
    site.publish("1", trained)
    bundle = read_bundle(tmp_path / "data/bundles/scam/1")
    batch, reasons = Predictor(bundle).predict(asked)[:, 0], explain(bundle, asked, {})
    names = [spec.name for spec in SPECS]
    rows = [
        {name: None if pd.isna(value) else value for name, value in zip(names, row, strict=True)}
        for row in asked[names].itertuples(index=False)
    ]
    with serving(site) as server:
        body = {"instances": [{"features": row} for row in rows], "parameters": {"reasons": True}}
        predictions = server.ask(body).body["predictions"]
    served = [each["labels"]["scam"] for each in predictions]
    assert [each["probability"] for each in served] == batch.tolist()
    threshold = bundle.manifest.labels[0].threshold
    assert [each["decision"] for each in served] == (batch >= threshold).tolist()
    assert [each["reasons"] for each in predictions] == reasons


def noisy(seed):
    """Draw a code on noise, turned by a camera's orientation."""
    rng = np.random.default_rng(seed)
    canvas = Image.fromarray(rng.integers(0, 255, (400, 500), dtype=np.uint8))
    canvas.paste(Image.open(io.BytesIO(code())).convert("L"), (60, 40))
    return jpeg(canvas)


@pytest.mark.parametrize("content", [code(), plain(), noisy(1)], ids=["code", "plain", "noisy"])
def test_a_served_picture_is_scored_as_a_stored_one(tmp_path, content):
    """The readers see a caller's picture as they see the original of a stored one."""
    labels = parse_labels({"qr_code": {"expert": ["QRCode"], "decides": "union"}})
    write_bundle(reader_rule(labels, pd.Timestamp("2026-03-31").date()), tmp_path / "rule")
    bundle = read_bundle(tmp_path / "rule")
    online = OnlinePictures(bundle, DecodingOptions(64))
    served = online.scores([online.prepare(content)])
    grey = np.asarray(Image.open(io.BytesIO(content)).convert("L"))
    batch = scores_of(bundle, ["one"], None, lambda _: grey)
    np.testing.assert_array_equal(served, batch)
