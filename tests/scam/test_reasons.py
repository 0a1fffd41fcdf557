"""A reason names what pushes the probability up, and goes when that changes."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from lightgbm import Booster

from ucu_mlops.bundle.manifest import FeatureSpec
from ucu_mlops.bundle.predict import Predictor, model_inputs, open_session
from ucu_mlops.errors import SchemaError
from ucu_mlops.scam.reasons import _human_name, _sentence, _spelled_number, explain

SUSPECT = {
    "messages_sent_7d": 212.0,
    "country": "UA",
    "sentiment_mean_1d": 0.1,
    "phone_verified": False,
    "amount_life": 8.0,
}
HARMLESS = SUSPECT | {"messages_sent_7d": 6.0, "phone_verified": True}


def test_names_the_strongest_with_what_is_usual(bundle):
    """Many messages and no verified phone are named, with the user's value and the usual one."""
    (reasons,) = explain(bundle, pd.DataFrame([SUSPECT]), {})
    assert reasons[0] == "messages sent (7 days): 212; usual 6"
    assert "phone verified: no; usual yes" in reasons


def test_the_reason_goes_when_the_feature_changes(bundle):
    """The same user with few messages is not accused of many."""
    (reasons,) = explain(bundle, pd.DataFrame([SUSPECT | {"messages_sent_7d": 6.0}]), {})
    assert not [each for each in reasons if each.startswith("messages sent")]
    assert "phone verified: no; usual yes" in reasons


def test_what_pushes_down_is_no_reason(bundle):
    """Who is harmless in everything that counts is accused of neither."""
    (reasons,) = explain(bundle, pd.DataFrame([HARMLESS]), {}, top=5)
    assert not [each for each in reasons if each.startswith(("messages sent", "phone"))]


def test_no_more_than_asked_and_rows_in_order(bundle):
    """Each row gets its own list, at most as long as asked."""
    reasons = explain(bundle, pd.DataFrame([HARMLESS, SUSPECT]), {}, top=1)
    assert [each[:1] for each in reasons[1:]] == [["messages sent (7 days): 212; usual 6"]]
    assert max(map(len, reasons)) <= 1
    assert explain(bundle, pd.DataFrame([SUSPECT])[:0], {}) == []


def test_a_number_has_its_unit(bundle):
    """What a declared unit says stands behind the user's value; an unknown one has none."""
    units = {"messages_sent_7d": "messages", "amount_life": "ether"}
    (reasons,) = explain(bundle, pd.DataFrame([SUSPECT]), units)
    assert reasons[0] == "messages sent (7 days): 212 messages; usual 6"
    nobody = dict.fromkeys(SUSPECT, None) | {"messages_sent_7d": 212.0}
    (spelled,) = explain(bundle, pd.DataFrame([nobody]), units, top=5)
    assert not [each for each in spelled if "unknown ether" in each]


def test_without_a_reference_nothing_is_called_usual(bundle):
    """A candidate explains itself before anybody measured what is usual."""
    candidate = replace(bundle, manifest=replace(bundle.manifest, reference={}))
    (reasons,) = explain(candidate, pd.DataFrame([SUSPECT]), {})
    assert reasons[0] == "messages sent (7 days): 212"


def test_unknown_values_are_called_so(bundle):
    """A null needs no number."""
    nobody = dict.fromkeys(SUSPECT, None) | {"messages_sent_7d": 212.0}
    (spelled,) = explain(bundle, pd.DataFrame([nobody]), {}, top=5)
    assert spelled
    assert all("nan" not in each and "None" not in each for each in spelled)


def test_contributions_add_up_to_the_answer(bundle, users):
    """The trees that explain are the trees that answer: log-odds agree through the calibration."""
    frame = users(50, seed=3)
    inputs = model_inputs(frame, bundle.manifest.features)
    (prepared,) = open_session(bundle, "preprocess.onnx").run(None, inputs)
    trees = Booster(model_str=bundle.read_bytes("lightgbm.txt").decode())
    log_odds = trees.predict(prepared, pred_contrib=True, num_threads=1).sum(axis=1)
    calibration = bundle.manifest.calibration
    z = calibration["slope"] * log_odds + calibration["intercept"]
    answers = Predictor(bundle).predict(frame)[:, 0]
    np.testing.assert_allclose(1 / (1 + np.exp(-z)), answers, atol=1e-6)


def test_names_a_missing_feature(bundle):
    """The error is the predictor's own."""
    with pytest.raises(SchemaError, match="country"):
        explain(bundle, pd.DataFrame([SUSPECT]).drop(columns="country"), {})


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("messages_sent_7d", "messages sent (7 days)"),
        ("link_share_1d", "link share (1 day)"),
        ("recipients_life", "recipients (ever)"),
        ("profile_completeness", "profile completeness"),
        ("7d", "7d"),
    ],
)
def test_features_read_as_words(name, expected):
    """The window comes out of the name's ending."""
    assert _human_name(name) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (212.0, "212"),
        (1234567.0, "1,234,567"),
        (0.12345, "0.123"),
        (np.nan, "unknown"),
        (1e30, "1e+30"),
        (-3.0, "-3"),
    ],
)
def test_numbers_read_easily(value, expected):
    """Counts are whole, shares short, the unknown is said."""
    assert _spelled_number(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.8, "link share (7 days): 80 %; usual 2.5 %"),
        (np.nan, "link share (7 days): unknown; usual 2.5 %"),
    ],
    ids=["known", "unknown"],
)
def test_shares_are_told_in_percent(value, expected):
    """Nobody has to know that 0.8 is four in five."""
    spec = FeatureSpec("link_share_7d", "numeric", "messages", "a1")
    assert _sentence(spec, value, {"link_share_7d": 0.025}, {}) == expected
