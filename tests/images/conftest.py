"""Made-up images: to train tiny networks on, and to judge a network that mostly knows."""

from dataclasses import dataclass

import numpy as np
import pytest

from ucu_mlops.images.labels import LabelSet, parse_labels
from ucu_mlops.images.options import ImageModelOptions, parse_options
from ucu_mlops.images.pictures import Pictures, corner_masks

SIDE = 64
LABELS = ("stripes", "checks")


def make_pictures(n: int, seed: int) -> Pictures:
    """Draw grey noise, some of it with a patch of stripes or of checks on it."""
    chance = np.random.default_rng(seed)
    pixels = chance.integers(90, 160, (n, SIDE, SIDE, 1)).astype(np.uint8)
    labels = np.zeros((n, 2), np.float32)
    corners = []
    rows, columns = np.mgrid[:28, :28] // 4
    patterns = (columns % 2, (rows + columns) % 2)
    for row in range(n):
        kind = row % 3
        top, left = (int(each) for each in chance.integers(0, SIDE - 28, 2))
        corners.append([])
        if kind < 2:
            pixels[row, top : top + 28, left : left + 28, 0] = patterns[kind] * 255
            labels[row, kind] = 1
            square = np.array([[0, 0], [28, 0], [28, 28], [0, 28]], np.float32)
            corners[row].append((kind, square + np.array([left, top], np.float32)))
    return Pictures(
        pixels=pixels,
        boxes=np.tile(np.array([0, 0, SIDE, SIDE], np.int64), (n, 1)),
        labels=labels,
        weight=np.ones(n, np.float32),
        masks=corner_masks(corners, labels, SIDE, 16),
    )


def tiny_options(**finetuning) -> ImageModelOptions:
    """Two layers, 32 pixels, a CPU in full precision."""
    chosen = {"samples": 96, "epochs": 2, "batch": 16, "precision": "fp32", "device": "cpu"}
    return parse_options(
        {
            "preprocessing": {"side": 32},
            "network": {"patch": 8, "width": 32, "depth": 2, "heads": 2},
            "finetuning": {**chosen, "average": 0.9, **finetuning},
        }
    )


@pytest.fixture(scope="session")
def pictures() -> Pictures:
    """To learn from."""
    return make_pictures(90, seed=1)


@pytest.fixture(scope="session")
def validation() -> Pictures:
    """To choose by."""
    return make_pictures(48, seed=2)


@pytest.fixture(scope="session")
def options():
    """Make tiny options; keywords change the loop's."""
    return tiny_options


@pytest.fixture
def network(options):
    """A tiny network that has learned nothing."""
    from ucu_mlops.images.network import build_network  # noqa: PLC0415  # torch only where needed

    tiny = options()
    return build_network(tiny.network, tiny.preprocessing, LABELS, seed=3)


# A training that is killed as soon as its fourth step is kept; started again, it goes on.
KILLED = """
import os, signal
from ucu_mlops.images import checkpoints
save = checkpoints.FolderCheckpoints.save
def save_and_die(self, state):
    save(self, state)
    if state.facts["step"] >= 4:
        os.kill(os.getpid(), signal.SIGKILL)
checkpoints.FolderCheckpoints.save = save_and_die

import sys
from pathlib import Path
import torch
from ucu_mlops.images.distributed import run_job
from ucu_mlops.images.peers import ALONE
torch.set_num_threads(1)
run_job(Path(sys.argv[1]), ALONE)
"""


@pytest.fixture(scope="session")
def killed_training() -> str:
    """A program that trains what ``write_job`` wrote into the folder it is given, and is killed."""
    return KILLED


class NoCheckpoints:
    """Keeps nothing: a short training starts again."""

    def save(self, state):
        """Forget it."""

    def load(self):
        """There is none."""


@pytest.fixture
def no_checkpoints() -> NoCheckpoints:
    """A store that keeps nothing."""
    return NoCheckpoints()


class Listener:
    """Remembers what training says."""

    def __init__(self) -> None:
        self.sentences: list[str] = []
        self.epochs: list[dict[str, float]] = []
        self.steps: list[dict[str, float]] = []

    def progress(self, facts):
        """Remember a step."""
        self.steps.append(facts)

    def epoch(self, facts):
        """Remember an epoch."""
        self.epochs.append(facts)

    def say(self, sentence):
        """Remember a sentence."""
        self.sentences.append(sentence)


@pytest.fixture
def listener() -> Listener:
    """A reporter that remembers."""
    return Listener()


ASKED = {
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
    return parse_labels(ASKED)


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
