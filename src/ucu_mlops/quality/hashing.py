"""Identifiers and shares of luck that come out the same in every process and on every machine."""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

SEPARATOR = "|"
ID_BYTES = 8  # 16 hex digits: among a million ids a collision has odds of 1 in 37 million
MANTISSA_BITS = 53  # what a float64 holds exactly, so that a share never rounds up to 1


def derived_id(*parts: object) -> str:
    """Make the identifier that the same parts always get.

    Args:
        parts: What the identifier stands for, in order; each is taken as ``str(part)``.

    Returns:
        The first 16 hexadecimal digits of BLAKE2b over the parts joined by ``|``.
    """
    return blake2b(SEPARATOR.join(map(str, parts)).encode()).hexdigest()[: 2 * ID_BYTES]


def hash_share(ids: Iterable[Any], salt: str) -> NDArray[np.float64]:
    """Throw a die for each identifier: always the same for the same identifier and salt.

    Args:
        ids: Identifiers; each is taken as ``str(id)``.
        salt: What the die is thrown for; two salts give independent shares.

    Returns:
        Uniform shares in [0, 1), shape ``(n_ids,)``, in the order of ``ids``.
    """
    keyed = blake2b(f"{salt}{SEPARATOR}".encode(), digest_size=ID_BYTES)
    return np.fromiter((_share(keyed, str(each)) for each in ids), dtype=np.float64)


def _share(keyed: blake2b, text: str) -> float:
    state = keyed.copy()
    state.update(text.encode())
    bits = int.from_bytes(state.digest(), "big") >> (8 * ID_BYTES - MANTISSA_BITS)
    return bits / (1 << MANTISSA_BITS)
