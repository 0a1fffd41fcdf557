"""What is unknown counts nothing, and parts of a batch add up."""

import math

import numpy as np
import pytest
import torch

from ucu_mlops.images.augment import Batch
from ucu_mlops.images.losses import batch_loss, positive_weights
from ucu_mlops.images.network import Logits
from ucu_mlops.images.options import FinetuningOptions

OPTIONS = {
    kind: FinetuningOptions(batch=8, samples=64, loss=kind) for kind in ("bce", "asymmetric")
}


def some_batch() -> tuple[Logits, Batch]:
    """Eight pictures of four tokens, two labels, every third answer unknown."""
    chance = torch.Generator().manual_seed(0)
    logits = Logits(torch.randn(8, 2, generator=chance), torch.randn(8, 4, 2, generator=chance))
    labels = torch.randint(0, 2, (8, 2), generator=chance).float()
    tokens = torch.randint(0, 2, (8, 4, 2), generator=chance).float()
    labels[::3] = math.nan
    tokens[1::3] = math.nan
    return logits, Batch(torch.zeros(8, 1, 4, 4), labels, tokens)


@pytest.mark.parametrize("kind", ["bce", "asymmetric"])
def test_parts_add_up(kind):
    """A batch's loss is the sum of its parts', whatever is unknown in them."""
    logits, batch = some_batch()
    ones = torch.ones(2)
    parts = [
        batch_loss(
            Logits(logits.picture[part], logits.tokens[part]),
            batch.part(part.start, part.stop),
            ones,
            OPTIONS[kind],
        )
        for part in (slice(0, 3), slice(3, 8))
    ]
    assert float(sum(parts)) == pytest.approx(
        float(batch_loss(logits, batch, ones, OPTIONS[kind])), rel=1e-5
    )


@pytest.mark.parametrize("kind", ["bce", "asymmetric"])
def test_what_is_unknown_counts_nothing(kind):
    """Logits of unknown labels and tokens change neither loss nor gradients."""
    logits, batch = some_batch()
    other = Logits(logits.picture.clone(), logits.tokens.clone())
    other.picture[::3] += 5
    other.tokens[1::3] -= 5
    ones = torch.ones(2)
    assert batch_loss(other, batch, ones, OPTIONS[kind]) == batch_loss(
        logits, batch, ones, OPTIONS[kind]
    )


def test_easy_negatives_count_less():
    """The asymmetric loss of a picture that is surely no code is far below the plain one."""
    logits = Logits(torch.full((8, 2), -2.0), torch.zeros(8, 4, 2))
    batch = Batch(torch.zeros(8, 1, 4, 4), torch.zeros(8, 2), None)
    plain, easy = (float(batch_loss(logits, batch, torch.ones(2), OPTIONS[k])) for k in OPTIONS)
    assert easy < plain / 100


def test_rare_positives_weigh_more():
    """A label shown by one of four known pictures weighs 3, and no more than allowed."""
    labels = np.array([[1, 1], [0, 0], [0, 1], [0, np.nan]], np.float32)
    assert positive_weights(labels, 10).tolist() == [3, 1]
    assert positive_weights(labels, 2).tolist() == [2, 1]
