"""How long a version takes is told by its own processor time on the same rows."""

from datetime import date

import pandas as pd

from ucu_mlops.bundle.manifest import FeatureSpec
from ucu_mlops.bundle.store import write_bundle
from ucu_mlops.release.latency import ROWS, made_up_rows, scoring_seconds
from ucu_mlops.scam.rule import RuleOptions, rule_draft

FEATURES = (
    FeatureSpec("reports", "numeric", "g", "d"),
    FeatureSpec("country", "categorical", "g", "d"),
)


def test_the_rows_are_the_same_each_time():
    """Numbers of all sizes and a category, as many as are timed."""
    rows = made_up_rows(FEATURES)
    pd.testing.assert_frame_equal(rows, made_up_rows(FEATURES))
    assert len(rows) == ROWS
    assert rows["reports"].gt(0).all()


def test_each_version_is_timed(tmp_path):
    """More than no time, and far less than a second for a rule."""
    draft = rule_draft(RuleOptions({"reports": 1.0}), FEATURES[:1], date(2026, 3, 31))
    bundle = write_bundle(draft, tmp_path / "rule")
    seconds = scoring_seconds({"champion": bundle, "challenger": bundle})
    assert set(seconds) == {"champion", "challenger"}
    assert all(0 < each < 1 for each in seconds.values())
