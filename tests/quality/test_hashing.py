"""Identifiers and shares are the same everywhere and behave like dice."""

import subprocess
import sys
from hashlib import blake2b

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ucu_mlops.quality.hashing import derived_id, hash_share

TEXTS = st.lists(st.text(), max_size=30)


def test_derived_id_is_the_documented_hash():
    """Anyone with BLAKE2b can derive the same identifier."""
    expected = blake2b(b"scam|u1|2026-01-02").hexdigest()[:16]
    assert derived_id("scam", "u1", "2026-01-02") == expected


@given(TEXTS, st.text())
def test_shares_lie_in_the_unit_interval_and_follow_their_identifier(ids, salt):
    """A share depends on identifier and salt alone, never on the company it is in."""
    shares = hash_share(ids, salt)
    assert shares.shape == (len(ids),)
    assert ((shares >= 0) & (shares < 1)).all()
    alone = [hash_share([each], salt)[0] for each in ids]
    assert shares.tolist() == alone


def test_another_process_throws_the_same_dice():
    """Python's own hash differs between processes; this one does not."""
    code = (
        "from ucu_mlops.quality.hashing import hash_share; print(hash_share(['u1'], 'salt').item())"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert float(printed.stdout) == hash_share(["u1"], "salt")[0]


def test_shares_are_uniform_and_salts_independent():
    """Twenty thousand users fill every tenth alike, and two salts do not agree."""
    ids = [f"u{number}" for number in range(20_000)]
    first, second = hash_share(ids, "one"), hash_share(ids, "two")
    tenths = np.histogram(first, bins=10, range=(0, 1))[0]
    assert np.abs(tenths - 2_000).max() < 200
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.03
