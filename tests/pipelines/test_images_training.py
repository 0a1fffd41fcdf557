"""The image model's training set: labels given, and what moderators decided."""

from dataclasses import replace
from datetime import date

import ibis
import numpy as np
import pandas as pd
import pytest

from ucu_mlops.bundle.store import write_bundle
from ucu_mlops.features.period import Period
from ucu_mlops.images.answers import reader_rule
from ucu_mlops.images.labels import parse_labels
from ucu_mlops.images.shards import INDEX_TYPES, ShardStore
from ucu_mlops.images.training_set import SplitOptions
from ucu_mlops.pipelines.images_training.nodes import _no_start, build_training_set

CASES = {
    "case_id": "string",
    "model": "string",
    "entity_id": "string",
    "label": "string",
    "as_of": "date",
    "propensity": "float64",
    "first_case_id": "string",
}
VERDICTS = {
    "verdict_id": "string",
    "case_id": "string",
    "is_violation": "boolean",
    "decided_at": "timestamp('UTC', 6)",
}
DAY = date(2026, 3, 31)
NOON = pd.Timestamp("2026-03-31T12:00", tz="UTC")


def built(tmp_path, cases: list[tuple], verdicts: list[tuple]) -> pd.Series:
    """Build the set of twelve pictures that were all given the label; gives it by picture."""
    ids = [f"i{each:02d}" for each in range(12)]
    index = pd.DataFrame({"image_id": ids})
    index["dhash"] = np.random.default_rng(0).integers(0, 2**63, 12).astype(np.uint64)
    index = index.reindex(columns=[*INDEX_TYPES]).fillna(0).astype({"sha256": "str"})
    given = pd.DataFrame({"image_id": ids, "label": "qr_code", "shown": True, "given_by": "m"})
    rows = build_training_set(
        ShardStore(tmp_path, index),
        ibis.memtable(pd.DataFrame({"image_id": ids, "group": ids})),
        ibis.memtable(given.assign(given_at=pd.Timestamp("2026-03-01", tz="UTC"))),
        ibis.memtable(pd.DataFrame(cases, columns=[*CASES]), schema=ibis.schema(CASES)),
        ibis.memtable(pd.DataFrame(verdicts, columns=[*VERDICTS]), schema=ibis.schema(VERDICTS)),
        {"qr_code": None},
        SplitOptions(0.1, "salt", 0.2, 0),
        Period(DAY, DAY),
    )
    return rows.set_index("entity_id")["qr_code"]


@pytest.mark.parametrize(("model", "expected"), [("images", 0.0), ("scam", 1.0)])
def test_a_verdict_on_this_models_case_is_the_latest_word(tmp_path, model, expected):
    """Moderators dismissed it after somebody had labelled it; another model's case says nothing."""
    case = ("c1", model, "i03", "qr_code", DAY, 1.0, None)
    labels = built(tmp_path, [case], [("v1", "c1", False, NOON)])
    assert labels["i03"] == expected
    assert (labels.drop("i03") == 1.0).all()


def test_without_cases_the_given_labels_stay(tmp_path):
    """A new environment has no cases yet."""
    assert (built(tmp_path, [], []) == 1.0).all()


@pytest.mark.parametrize(
    ("kind", "names", "side", "why"),
    [
        ("rule", ("qr_code",), 128, "is the rule"),
        ("model", ("qr_code", "logo"), 128, "knows other labels: ['qr_code']"),
        ("model", ("qr_code",), 64, "is fed otherwise"),
        ("model", ("qr_code",), 128, ""),
    ],
)
def test_a_retraining_goes_on_from_a_champion_that_fits(tmp_path, kind, names, side, why):
    """A champion without weights, of other labels or fed otherwise is no start; it is said why."""
    label_set = parse_labels(
        {"qr_code": {"recall": 0.9, "precision_floor": 0.5, "expert": ["QRCode"]}}
    )
    rule = reader_rule(label_set, DAY)
    champion = write_bundle(
        replace(rule, manifest=replace(rule.manifest, kind=kind)), tmp_path / "champion"
    )
    assert _no_start(champion, names, {"preprocessing": {"side": side}}) == why
