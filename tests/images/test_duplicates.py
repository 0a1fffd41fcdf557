"""Near-duplicates are found, all of them and no others."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ucu_mlops.images.decoding import DecodingOptions, decode
from ucu_mlops.images.duplicates import near_duplicates

BITS = st.integers(0, 63)


def brute_force(hashes: list[int], distance: int) -> list[int]:
    """Compare every pair, and link what is near until nothing changes."""
    cluster = list(range(len(hashes)))
    for _ in hashes:
        for left in range(len(hashes)):
            for right in range(len(hashes)):
                if (hashes[left] ^ hashes[right]).bit_count() <= distance:
                    cluster[right] = cluster[left] = min(cluster[left], cluster[right])
    numbers = {each: number for number, each in enumerate(dict.fromkeys(cluster))}
    return [numbers[each] for each in cluster]


@settings(max_examples=60, deadline=None)
@given(
    bases=st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=3),
    flips=st.lists(st.tuples(st.integers(0, 2), st.sets(BITS, max_size=9)), max_size=9),
    distance=st.integers(0, 7),
)
def test_clusters_are_those_of_comparing_every_pair(bases, flips, distance):
    """Whatever bits differ, bands of bytes miss no pair and link no other."""
    hashes = list(bases)
    for base, bits in flips:
        hashes.append(bases[base % len(bases)] ^ sum(1 << bit for bit in bits))
    found = near_duplicates(np.array(hashes, dtype=np.uint64), distance)
    assert found.tolist() == brute_force(hashes, distance)


def scene(seed: int) -> Image.Image:
    """Draw large spots of light."""
    spots = np.random.default_rng(seed).integers(0, 256, (6, 8), dtype=np.uint8)
    return Image.fromarray(spots).resize((400, 300), Image.Resampling.BICUBIC)


def test_copies_of_a_picture_are_one_cluster():
    """Compressed again or made smaller it is the same; another scene is not."""
    hashes = []
    for seed in range(5):
        for size, quality in (((400, 300), 95), ((400, 300), 40), ((200, 150), 80)):
            file = io.BytesIO()
            scene(seed).resize(size).save(file, "JPEG", quality=quality)
            hashes.append(decode(file.getvalue(), DecodingOptions(side=64)).dhash)
    assert near_duplicates(np.array(hashes, dtype=np.uint64), 4).tolist() == [
        seed for seed in range(5) for _ in range(3)
    ]


def test_no_pictures_have_no_clusters():
    """An empty list is an empty answer."""
    assert near_duplicates([], 4).size == 0


@pytest.mark.parametrize("distance", [-1, 8])
def test_a_distance_that_bytes_cannot_tell_is_refused(distance):
    """Hashes that differ in eight bits need not share a byte."""
    with pytest.raises(ValueError, match="distance must be from 0 to 7"):
        near_duplicates([1, 2], distance)
