"""The drift contest: our verdict on what was planted."""

from bench import drift, drift_ours
from bench.harness import prepared


def test_what_was_planted_drifts_and_nothing_else(tmp_path):
    """Numbers that grew by half and words of which a fifth changed drift; the others are quiet."""
    (contest,) = drift.contests(0.05)
    found = drift_ours.ours(prepared(contest.data, tmp_path)).set_index("name")["drifts"]
    assert len(found) == 30
    assert set(found.index[found]) == set(drift.MOVED)
