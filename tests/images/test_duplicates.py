"""Near-duplicates: who is one cluster."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ucu_mlops.images.duplicates import LARGEST_DISTANCE, near_duplicates

DISTANCES = st.integers(0, LARGEST_DISTANCE)


@st.composite
def hashes(draw) -> np.ndarray:
    """Hashes of which some differ from another in a few bits, and some are another's again."""
    found = draw(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=6))
    for _ in range(draw(st.integers(0, 14))):
        flipped = draw(st.sets(st.integers(0, 63), max_size=9))
        found.append(draw(st.sampled_from(found)) ^ sum(1 << bit for bit in flipped))
    return np.array(found, dtype=np.uint64)


def plainly(given_hashes: np.ndarray, distance: int) -> np.ndarray:
    """Clusters by comparing everybody with everybody until nothing moves."""
    near = np.bitwise_count(given_hashes[:, None] ^ given_hashes[None, :]) <= distance
    while (wider := (near.astype(int) @ near.astype(int)) > 0).sum() > near.sum():
        near = wider
    return near


@given(hashes(), DISTANCES)
def test_clusters_are_what_comparing_all_pairs_gives(found, distance):
    """Two are in one cluster exactly if a chain of near ones links them: bands miss no pair."""
    cluster = near_duplicates(found, distance)
    assert np.array_equal(cluster[:, None] == cluster[None, :], plainly(found, distance))


@given(hashes(), DISTANCES, st.randoms(use_true_random=False))
def test_the_order_of_the_pictures_makes_no_difference(found, distance, chance):
    """Shuffled pictures fall into the same clusters, numbered by whoever comes first."""
    order = np.array(chance.sample(range(len(found)), len(found)))
    cluster, shuffled = near_duplicates(found, distance), near_duplicates(found[order], distance)
    assert np.array_equal(
        cluster[order][:, None] == cluster[order][None, :],
        shuffled[:, None] == shuffled[None, :],
    )
    assert list(dict.fromkeys(shuffled.tolist())) == list(range(shuffled.max() + 1))


def test_bits_that_differ_in_seven_bytes_are_still_found():
    """The widest distance is found when each bit falls into another band."""
    apart = sum(1 << (8 * band + 3) for band in range(LARGEST_DISTANCE))
    assert near_duplicates([0, apart], LARGEST_DISTANCE).tolist() == [0, 0]
    assert near_duplicates([0, apart], LARGEST_DISTANCE - 1).tolist() == [0, 1]


def test_many_equal_pictures_cost_no_more_than_one():
    """A hundred thousand copies, the same blank page, say, are one cluster; no pair is made."""
    assert near_duplicates(np.zeros(100_000, dtype=np.uint64), 4).max() == 0


def test_no_pictures_are_no_clusters():
    """Nothing in, nothing out."""
    assert near_duplicates([], 4).shape == (0,)


def test_refuses_a_distance_that_bands_would_miss():
    """Eight bits may lie in eight bytes, so that no byte is shared."""
    with pytest.raises(ValueError, match="from 0 to 7, got 8"):
        near_duplicates([0], 8)
