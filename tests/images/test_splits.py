"""Labels are what was known, and splits keep alike pictures together and held-out ones apart."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ucu_mlops.errors import ConfigurationError, NotEnoughDataError, SchemaError
from ucu_mlops.images.duplicates import near_duplicates
from ucu_mlops.images.labels import parse_labels
from ucu_mlops.images.training_set import (
    SplitOptions,
    build_image_training_set,
    labels_from_verdicts,
    labels_in_force,
    training_identity,
)

LABELS = parse_labels({"qr_code": None, "linear_barcode": None})
OPTIONS = SplitOptions(0.3, "salt", 0.3, 2)
DAY = date(2026, 3, 31)


def said(*rows: tuple[str, str, bool, str]) -> pd.DataFrame:
    """Make (image, label, shown, when) into what was said."""
    frame = pd.DataFrame(rows, columns=["image_id", "label", "shown", "given_at"])
    return frame.assign(given_by="m1", given_at=pd.to_datetime(frame["given_at"], utc=True))


def test_the_latest_word_known_by_the_days_end_counts():
    """A later day's word is not known yet; what nobody spoke of is unknown, not absent."""
    found = labels_in_force(
        said(
            ("a", "qr_code", True, "2026-03-30T10:00"),
            ("a", "qr_code", False, "2026-03-31T23:59"),
            ("a", "linear_barcode", True, "2026-04-01T00:00"),
            ("b", "linear_barcode", True, "2026-03-01T10:00"),
            ("b", "unasked", True, "2026-03-01T10:00"),
            ("c", "qr_code", False, "2026-03-01T10:00"),
            ("c", "qr_code", True, "2026-03-01T10:00"),
        ),
        LABELS,
        DAY,
    )
    expected = {"qr_code": [0.0, np.nan, 1.0], "linear_barcode": [np.nan, 1.0, np.nan]}
    assert list(found.index) == ["a", "b", "c"]
    for name, column in expected.items():
        np.testing.assert_array_equal(found[name], column)


def test_moderators_verdicts_are_labels_and_override_older_ones():
    """A decided case says of its picture and label what was decided; an open one says nothing."""
    counted = pd.DataFrame(
        {
            "entity_id": ["a", "b"],
            "label": ["qr_code", "qr_code"],
            "is_violation": pd.array([False, None], dtype="boolean"),
            "decided_at": pd.to_datetime(["2026-03-31T10:00", None], utc=True),
        }
    )
    given = pd.concat(
        [
            said(("a", "qr_code", True, "2026-03-01T10:00")),
            labels_from_verdicts(counted),
        ]
    )
    assert labels_in_force(given, LABELS, DAY)["qr_code"].to_dict() == {"a": 0.0}
    assert labels_in_force(given, LABELS, date(2026, 3, 30))["qr_code"].to_dict() == {"a": 1.0}


def test_labels_without_a_needed_column_are_refused():
    """One line names the column."""
    with pytest.raises(SchemaError, match=r"image labels need \['shown'\]"):
        labels_in_force(said().drop(columns="shown"), LABELS, DAY)


def world(seed: int, count: int) -> tuple[pd.DataFrame, pd.Series, pd.DataFrame]:
    """Draw pictures of few groups, some without, some of them near-duplicates across groups."""
    draws = [np.random.default_rng([seed, each]) for each in range(count)]
    ids = [f"i{each:03d}" for each in range(count)]
    base = [int(rng.integers(0, 900)) for rng in draws]
    hashes = [np.random.default_rng([seed, 7, each]).integers(0, 2**63) for each in base]
    index = pd.DataFrame({"image_id": ids, "sha256": ids})
    index["dhash"] = np.array(hashes, dtype=np.uint64)
    groups = pd.Series(
        [f"g{rng.integers(0, 60)}" if rng.random() < 0.8 else "" for rng in draws], ids
    )
    shown = [[rng.choice([1.0, 0.0, np.nan]) for _ in LABELS.names] for rng in draws]
    return index, groups, pd.DataFrame(shown, ids, list(LABELS.names))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_neither_groups_nor_near_duplicates_straddle_a_split(seed):
    """All pictures of a given group, and all of a cluster, have one split; each label is learnt."""
    index, groups, labels = world(seed, 80)
    found = build_image_training_set(index, groups, labels, LABELS, OPTIONS)
    own = groups.loc[found["image_id"]].to_numpy()
    cluster = near_duplicates(index["dhash"], OPTIONS.duplicate_distance)
    alike = (own[:, None] == own) & (own != "") | (cluster[:, None] == cluster)
    for name in ("split", "group"):
        values = found[name].to_numpy()
        assert (values[:, None] == values)[alike].all()
    assert (found[found["split"] == "train"][list(LABELS.names)] == 1).any().all()
    again = build_image_training_set(index[::-1], groups[::-1], labels[::-1], LABELS, OPTIONS)
    pd.testing.assert_frame_equal(again, found)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), fewer=st.integers(60, 80))
def test_held_out_pictures_stay_held_out_when_others_come(seed, fewer):
    """A version's held-out pictures are never learnt from by a later one."""
    index, groups, labels = world(seed, 90)
    early = build_image_training_set(index[:fewer], groups[:fewer], labels[:fewer], LABELS, OPTIONS)
    late = build_image_training_set(index, groups, labels, LABELS, OPTIONS)
    held = set(early.loc[early["split"] == "holdout", "image_id"])
    assert held <= set(late.loc[late["split"] == "holdout", "image_id"])


def test_a_label_without_positives_is_refused_by_name():
    """One line names the label, what is needed and the remedy."""
    index, groups, labels = world(1, 40)
    without = labels.assign(linear_barcode=0.0)
    with pytest.raises(NotEnoughDataError, match=r"'linear_barcode' is shown in 0 .*label more"):
        build_image_training_set(index, groups, without, LABELS, OPTIONS)


def test_one_picture_is_not_enough():
    """A network cannot learn from one and choose its threshold by another."""
    index, groups, labels = world(1, 1)
    one = labels.assign(qr_code=1.0, linear_barcode=1.0)
    none_held = SplitOptions(0.0, "salt", 0.3, 2)
    with pytest.raises(NotEnoughDataError, match="is shown in 1 of the groups"):
        build_image_training_set(index, groups, one, LABELS, none_held)


def test_no_labelled_picture_is_refused():
    """Nothing was said, or nothing of what is stored."""
    index, groups, _ = world(1, 5)
    with pytest.raises(NotEnoughDataError, match="none of the 5 stored pictures has a label"):
        build_image_training_set(
            index, groups, labels_in_force(said(), LABELS, DAY), LABELS, OPTIONS
        )


def test_an_empty_label_set_is_refused():
    """One line names the key."""
    with pytest.raises(ConfigurationError, match=r"images.labels must be at least one label"):
        parse_labels({})


def test_the_identity_follows_labels_and_splits():
    """The same set has the same; one changed label another."""
    frame = build_image_training_set(*world(3, 60), LABELS, OPTIONS)
    changed = frame.assign(qr_code=1 - frame["qr_code"])
    first = training_identity(frame, LABELS, DAY)
    assert training_identity(frame.copy(), LABELS, DAY) == first
    assert training_identity(changed, LABELS, DAY) != first


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (
            (1.0, "s", 0.2, 4),
            "images.split.holdout_share must be a number at least 0 and below 1, got 1.0",
        ),
        ((0.1, "s", True, 4), "images.split.validation_share must be"),
        ((0.1, "s", 0.2, 8), "images.split.duplicate_distance must be a whole number"),
    ],
)
def test_impossible_shares_are_refused(raw, said):
    """One line names the key and what it may be."""
    with pytest.raises(ConfigurationError, match=said):
        SplitOptions(*raw)
