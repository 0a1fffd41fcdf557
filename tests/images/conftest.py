"""Made-up images to judge: a network that mostly knows, a reader that is exact where it reads."""

from dataclasses import dataclass

import numpy as np
import pytest

from ucu_mlops.images.labels import LabelSet, parse_labels

LABELS = {
    "qr_code": {"expert": ["QRCode", "MicroQRCode", "RMQRCode"], "decides": "union"},
    "matrix_code": {"expert": ["Aztec", "DataMatrix", "PDF417", "MaxiCode"], "decides": "union"},
    "linear_barcode": {"expert": ["AllLinear"], "decides": "union"},
}


@dataclass(frozen=True)
class MadeUp:
    """Images by what is known of them, as the judging modules take them."""

    probabilities: np.ndarray
    labels: np.ndarray
    groups: np.ndarray
    reader: np.ndarray


@pytest.fixture(scope="session")
def label_set() -> LabelSet:
    """Three labels with an expert each, recall 0.95, precision floor 0.5."""
    return parse_labels(LABELS)


def make_up(seed: int, n_groups: int = 12, size: int = 40, shift: float = 0.5) -> MadeUp:
    """Draw images of one label or none; each group moves the network's answers by ``shift``."""
    rng = np.random.default_rng(seed)
    n = n_groups * size
    kind = rng.integers(-1, 3, n)
    labels = (kind[:, None] == np.arange(3)).astype(float)
    group = np.repeat(np.arange(n_groups), size)
    moved = shift * rng.normal(size=n_groups)[group]
    logits = 4 * labels - 2 + moved[:, None] + 1.3 * rng.normal(size=(n, 3))
    reader = (labels == 1) & (rng.random((n, 3)) < 0.7)
    groups = np.array([f"series-{each}" for each in group])
    return MadeUp(1 / (1 + np.exp(-logits)), labels, groups, reader)


@pytest.fixture(scope="session")
def made_up() -> MadeUp:
    """480 images of twelve groups."""
    return make_up(seed=3)


@pytest.fixture(scope="session")
def made_up_worlds() -> list[tuple[MadeUp, MadeUp]]:
    """Thirty pairs of worlds whose groups differ much: one to choose in, one to see."""
    return [(make_up(seed, 8, 15, 1.5), make_up(seed + 500, 60, 15, 1.5)) for seed in range(30)]
