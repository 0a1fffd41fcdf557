"""The contest of decoding: both sides see the same pictures."""

import numpy as np

from bench import decoding, decoding_ours, decoding_peer
from bench.harness import assert_same, prepared


def test_both_sides_compute_the_same_pictures(tmp_path):
    """Cell by cell our decoding has the processor's colours, and they differ between cells."""
    (contest,) = decoding.contests(0.01)
    folder = prepared(contest.data, tmp_path)
    ours, theirs = decoding_ours.ours(folder), decoding_peer.processor(folder)
    assert_same(ours, theirs, contest, "ViTImageProcessor")
    assert np.ptp(ours["mean"]) > 5 * contest.tolerance


def test_without_the_images_extra_it_is_left_out_with_a_sentence(monkeypatch, capsys):
    """A package that is not installed is named, and there is no contest."""
    monkeypatch.setattr(decoding, "NEEDED", ("PIL", "no_such_package"))
    assert decoding.contests(1.0) == []
    assert "skipped, for ['no_such_package'] of the images extra" in capsys.readouterr().out
