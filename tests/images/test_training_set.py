"""Which pictures are learnt from, and what each shows."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from ucu_mlops.errors import ConfigurationError, NotEnoughDataError, SchemaError
from ucu_mlops.images.duplicates import near_duplicates
from ucu_mlops.images.labels import parse_labels
from ucu_mlops.images.training_set import (
    SplitOptions,
    build_image_training_set,
    labels_in_force,
    training_identity,
)

LABELS = parse_labels({"qr_code": {}, "matrix_code": {}})
NAMES = list(LABELS.names)
OPTIONS = SplitOptions(
    holdout_share=0.2, holdout_salt="images", validation_share=0.2, duplicate_distance=4
)
DAY = date(2026, 3, 31)


def said(*rows: tuple[str, str, bool, str, str]) -> pd.DataFrame:
    """Labels given: image, label, shown, by whom, when (UTC)."""
    frame = pd.DataFrame(rows, columns=["image_id", "label", "shown", "given_by", "given_at"])
    return frame.assign(given_at=pd.to_datetime(frame["given_at"], utc=True, format="ISO8601"))


def stored(pictures: int, groups: int, seed: int) -> tuple[pd.DataFrame, pd.Series, pd.DataFrame]:
    """A store's index with near-duplicates in it, given groups, and labels in force."""
    rng = np.random.default_rng(seed)
    ids = [f"i{each:04d}" for each in range(pictures)]
    hashes = rng.integers(0, 2**64, pictures, dtype=np.uint64)
    copies = rng.random(pictures) < 0.1
    hashes[copies] = hashes[rng.integers(0, pictures, copies.sum())] ^ np.uint64(1)
    given_groups = pd.Series([f"g{each:03d}" for each in rng.integers(0, groups, pictures)], ids)
    given_groups[rng.random(pictures) < 0.1] = ""
    shown = pd.DataFrame(rng.random((pictures, 2)) < 0.4, ids, NAMES).astype("float64")
    return pd.DataFrame({"image_id": ids, "dhash": hashes, "sha256": ids}), given_groups, shown


def test_the_latest_word_counts():
    """A moderator's later verdict replaces what was said before, whatever the rows' order."""
    given_labels = said(
        ("a", "qr_code", False, "moderator", "2026-03-30 10:00"),
        ("a", "qr_code", True, "uploader", "2026-03-01 10:00"),
    )
    assert labels_in_force(given_labels, LABELS, DAY).loc["a", "qr_code"] == 0.0


def test_a_delayed_word_counts_from_its_day_on():
    """What is said in the first moment of the next day is not known today."""
    given_labels = said(
        ("a", "qr_code", False, "uploader", "2026-03-01 10:00"),
        ("a", "qr_code", True, "moderator", "2026-04-01 00:00"),
        ("b", "qr_code", True, "moderator", "2026-03-31 23:59:59.999999"),
    )
    today = labels_in_force(given_labels, LABELS, DAY)
    tomorrow = labels_in_force(given_labels, LABELS, date(2026, 4, 1))
    assert today["qr_code"].to_dict() == {"a": 0.0, "b": 1.0}
    assert tomorrow["qr_code"].to_dict() == {"a": 1.0, "b": 1.0}


def test_of_what_nobody_spoke_nothing_is_known():
    """A label without a word is NaN; a label of another set is left out."""
    given_labels = said(
        ("a", "qr_code", True, "moderator", "2026-03-01"),
        ("a", "cat", True, "moderator", "2026-03-01"),
    )
    known = labels_in_force(given_labels, LABELS, DAY)
    assert list(known.columns) == NAMES
    assert np.isnan(known.loc["a", "matrix_code"])


def test_refuses_labels_without_a_time():
    """A missing column is named."""
    with pytest.raises(SchemaError, match="given_at"):
        labels_in_force(pd.DataFrame(columns=["image_id", "label", "shown"]), LABELS, DAY)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(12, 40))
def test_nothing_straddles_a_split(seed, groups):
    """A given group and a cluster of near-duplicates each lie in one split, as one group."""
    index, given_groups, shown = stored(200, groups, seed)
    try:
        found = build_image_training_set(index, given_groups, shown, LABELS, OPTIONS)
    except NotEnoughDataError:  # near-duplicates joined all groups that show a label
        reject()
    own = given_groups.replace("", np.nan).reset_index(drop=True)
    cluster = near_duplicates(index["dhash"], OPTIONS.duplicate_distance)
    for column in ("split", "group"):
        assert found[column].groupby(own).nunique().max() == 1
        assert found[column].groupby(cluster).nunique().max() == 1
    assert found["split"].groupby(found["group"]).nunique().max() == 1


def test_each_split_has_what_it_is_for():
    """Validation shows each label and leaves positives of each to learn from."""
    index, given_groups, shown = stored(400, 40, seed=1)
    found = build_image_training_set(index, given_groups, shown, LABELS, OPTIONS)
    assert set(found["split"]) == {"train", "validation", "holdout"}
    for _, own in found[found["split"] != "holdout"].groupby("split"):
        assert (own[NAMES] == 1.0).any().all()


def test_uploaders_of_plain_pictures_validate_too():
    """Where one uploader in five shows codes, validation holds them in that proportion."""
    index, _, _ = stored(1000, 1, seed=8)
    uploader = np.arange(1000) // 4
    groups = pd.Series([f"u{each}" for each in uploader], index["image_id"])
    shown = pd.DataFrame({"qr_code": (uploader % 5 == 0) * 1.0}, index["image_id"])
    found = build_image_training_set(index, groups, shown, parse_labels({"qr_code": {}}), OPTIONS)
    validating = found[found["split"] == "validation"]
    assert validating["qr_code"].mean() == pytest.approx(0.2, abs=0.08)


def test_who_is_held_out_stays_held_out_when_others_come():
    """New pictures in new groups move nobody out of the hold-out."""
    index, given_groups, shown = stored(400, 40, seed=2)
    old = given_groups.ne("").to_numpy() & (given_groups < "g030").to_numpy()
    before = build_image_training_set(
        index[old], given_groups[old], shown[old], LABELS, OPTIONS
    ).set_index("image_id")
    after = build_image_training_set(index, given_groups, shown, LABELS, OPTIONS)
    after = after.set_index("image_id").loc[before.index]
    held_out = before["split"] == "holdout"
    assert held_out.any()
    assert (after["split"][held_out] == "holdout").all()


def test_the_order_of_the_rows_makes_no_difference():
    """The same pictures in another order are the same training set."""
    index, given_groups, shown = stored(200, 30, seed=3)
    one = build_image_training_set(index, given_groups, shown, LABELS, OPTIONS)
    other = build_image_training_set(
        index.sample(frac=1, random_state=0),
        given_groups.sample(frac=1, random_state=1),
        shown.sample(frac=1, random_state=2),
        LABELS,
        OPTIONS,
    )
    pd.testing.assert_frame_equal(one, other)


def test_refuses_a_label_that_no_picture_shows():
    """A label without positives is named, with the remedy."""
    index, given_groups, shown = stored(100, 20, seed=4)
    with pytest.raises(NotEnoughDataError, match="'matrix_code' is shown in 0 of the groups"):
        build_image_training_set(
            index, given_groups, shown.assign(matrix_code=0.0), LABELS, OPTIONS
        )


def test_refuses_one_picture():
    """One picture cannot be both learnt from and judged by."""
    index, given_groups, shown = stored(1, 1, seed=5)
    none_held_out = SplitOptions(
        holdout_share=0.0, holdout_salt="s", validation_share=0.2, duplicate_distance=4
    )
    with pytest.raises(NotEnoughDataError, match="of the groups that may be learnt from, 2 are"):
        build_image_training_set(
            index, given_groups, shown.assign(qr_code=1.0), LABELS, none_held_out
        )


def test_refuses_pictures_of_which_none_is_labelled():
    """Labels for other pictures only are no labels."""
    index, given_groups, shown = stored(10, 5, seed=6)
    with pytest.raises(NotEnoughDataError, match="none of the 10 stored pictures has a label"):
        build_image_training_set(index, given_groups, shown.iloc[:0], LABELS, OPTIONS)


def test_the_identity_knows_the_label_set():
    """The same pictures under another label set are another training."""
    index, given_groups, shown = stored(200, 30, seed=7)
    found = build_image_training_set(index, given_groups, shown, LABELS, OPTIONS)
    turned = parse_labels({"matrix_code": {}, "qr_code": {}})
    assert training_identity(found, LABELS, DAY) == training_identity(found.copy(), LABELS, DAY)
    assert training_identity(found, LABELS, DAY) != training_identity(found, turned, DAY)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"holdout_share": 1.0}, "holdout_share must be a number at least 0 and below 1"),
        ({"validation_share": True}, "validation_share must be a number"),
        ({"duplicate_distance": 8}, "distance must be a whole number at least 0 and at most 7"),
    ],
    ids=["everybody", "no number", "too far"],
)
def test_refuses_options(changed, says):
    """Shares that leave nothing and distances that bands would miss are refused."""
    given_options = {
        "holdout_share": 0.2,
        "holdout_salt": "images",
        "validation_share": 0.2,
        "duplicate_distance": 4,
    }
    with pytest.raises(ConfigurationError, match=says):
        SplitOptions(**(given_options | changed))


def test_bare_pictures_are_alike_only_when_they_are_the_same():
    """Blank pages of two uploaders link nothing; the very same file in two groups does."""
    ids = ["a", "b", "c", "d"]
    index = pd.DataFrame({"image_id": ids, "dhash": np.array([0, 0, 1, 0], dtype=np.uint64)})
    index["sha256"] = ["one", "two", "three", "one"]
    groups = pd.Series(["x", "y", "z", "w"], ids)
    shown = pd.DataFrame(np.eye(4, 2) + np.eye(4, 2, -2), ids, NAMES)
    options = replace(OPTIONS, holdout_share=0.0)
    found = build_image_training_set(index, groups, shown, LABELS, options)
    assert found.set_index("image_id")["group"].to_dict() == {
        "a": "w",
        "b": "y",
        "c": "z",
        "d": "w",
    }
