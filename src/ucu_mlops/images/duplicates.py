"""Which pictures are almost the same: they must not stand on both sides of a split.

64-bit hashes → pairs that share a byte (any pair within the distance does) → linked → clusters
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

BANDS = 8  # bytes of a hash: hashes that differ in fewer bits than that share a byte
LARGEST_DISTANCE = BANDS - 1
AT_ONCE = 2_000  # hashes of a bucket compared with all its others at a time


def near_duplicates(hashes: ArrayLike, distance: int) -> NDArray[np.int64]:
    """Put pictures whose hashes differ in few bits into one cluster, and what they link, too.

    Args:
        hashes: 64 bits per picture, shape ``(n,)``.
        distance: Bits that may differ, at most 7.

    Returns:
        Number of each picture's cluster, shape ``(n,)``; clusters are numbered by their first
        picture.

    Raises:
        ValueError: The distance is more than bytes of a hash can tell.
    """
    if not 0 <= distance <= LARGEST_DISTANCE:
        raise ValueError(f"distance must be from 0 to {LARGEST_DISTANCE}, got {distance}")
    unique, own = np.unique(np.asarray(hashes, dtype=np.uint64), return_inverse=True)
    pairs = [np.empty((0, 2), dtype=np.int64), *_pairs(unique, distance)]
    linked = np.concatenate(pairs)
    links = coo_array(
        (np.ones(len(linked), dtype=bool), (linked[:, 0], linked[:, 1])),
        shape=(unique.size, unique.size),
    )
    _, cluster = connected_components(links, directed=False)
    return number_by_first(cluster[own])


def number_by_first(names: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number groups from 0 in the order in which they first occur."""
    _, first, inverse = np.unique(names, return_index=True, return_inverse=True)
    rank = np.empty(first.size, dtype=np.int64)
    rank[np.argsort(first)] = np.arange(first.size)
    return rank[inverse]


def _pairs(hashes: NDArray[np.uint64], distance: int) -> Iterator[NDArray[np.int64]]:
    """Give the pairs of rows within the distance, shape ``(n_pairs, 2)`` each."""
    for band in range(BANDS):
        shared = (hashes >> np.uint64(8 * band)) & np.uint64(0xFF)
        order = np.argsort(shared, kind="stable")
        ends = np.flatnonzero(np.diff(shared[order])) + 1
        for bucket in np.split(order, ends):
            for first in range(0, bucket.size, AT_ONCE):
                some = bucket[first : first + AT_ONCE]
                differing = np.bitwise_count(hashes[some, None] ^ hashes[None, bucket])
                left, right = np.nonzero(differing <= distance)
                yield np.stack([some[left], bucket[right]], axis=1)
