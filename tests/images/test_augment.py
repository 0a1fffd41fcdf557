"""Pictures vary, and what is known of them varies along."""

import dataclasses

import numpy as np
import pytest
import torch

from ucu_mlops.images.augment import Stored, augment
from ucu_mlops.images.options import AugmentationOptions
from ucu_mlops.images.pictures import known_masks
from ucu_mlops.images.preprocessing import preprocess


def stored(pictures, rows=slice(None)) -> Stored:
    """The pictures as tensors."""
    arrays = (pictures.pixels, pictures.boxes, pictures.labels, pictures.masks)
    return Stored(*(None if each is None else torch.from_numpy(each[rows]) for each in arrays))


def varied(options, **chosen):
    """The options with only the chosen variation."""
    only = dataclasses.replace(AugmentationOptions.none(), **chosen)
    return dataclasses.replace(options(), augmentation=only)


def test_without_variation_it_is_the_preprocessing(options, pictures):
    """Training sees what batch and online see, up to how the two average pixels."""
    batch = augment(stored(pictures), varied(options), torch.Generator().manual_seed(0))
    same = preprocess(pictures.pixels, pictures.boxes, options().preprocessing)
    assert np.abs(batch.inputs.numpy() - same).mean() < 0.05
    assert np.array_equal(batch.labels.numpy(), pictures.labels)


def test_equal_seeds_make_equal_pictures(options, pictures):
    """All chance comes from the generator."""
    pair = [
        augment(stored(pictures), options(), torch.Generator().manual_seed(9)) for _ in range(2)
    ]
    assert torch.equal(pair[0].inputs, pair[1].inputs)
    assert torch.equal(pair[0].labels.nan_to_num(7), pair[1].labels.nan_to_num(7))


@pytest.mark.parametrize(
    "chosen", [{"flip": 1.0}, {"turn": 1.0}, {"rotation": 40.0}, {"zoom": 1.0}]
)
def test_tokens_follow_the_code(options, pictures, chosen):
    """Tokens that are said to show stripes have more contrast than noise, wherever they went."""
    rows = np.flatnonzero(pictures.labels[:, 0] == 1)
    batch = augment(
        stored(pictures, rows), varied(options, **chosen), torch.Generator().manual_seed(4)
    )
    extreme = torch.nn.functional.avg_pool2d((batch.inputs.abs() > 0.5).float(), 8).flatten(1)
    here, elsewhere = batch.tokens[..., 0] == 1, batch.tokens[..., 0] == 0
    assert here.sum() > 20
    assert extreme[here].mean() > 0.4
    # A mask's cells are coarser than pixels: close up, the code's rim lies elsewhere.
    assert extreme[elsewhere].mean() < 0.6 * extreme[here].mean()


def test_a_code_out_of_view_is_not_shown(options, pictures):
    """Views that left a code out answer 0, and those that cut it answer nothing."""
    rows = np.flatnonzero(pictures.labels[:, 0] == 1)
    masks = pictures.masks[rows]
    boxes = np.array([[0, 0, 24, 24]] * len(rows))
    cut = dataclasses.replace(
        pictures,
        pixels=pictures.pixels[rows],
        boxes=boxes,
        labels=pictures.labels[rows],
        weight=pictures.weight[rows],
        masks=masks,
    )
    batch = augment(stored(cut), varied(options), torch.Generator().manual_seed(0))
    seen = (masks[:, 0, :6, :6] == 1).sum(axis=(1, 2)) / (masks[:, 0] == 1).sum(axis=(1, 2))
    said = batch.labels[:, 0].numpy()
    assert (said[seen == 0] == 0).all()
    assert np.isnan(said[(seen > 0.2) & (seen < 0.5)]).all()
    assert (said[seen > 0.7] == 1).all()


def test_unknown_places_stay_unknown(options, pictures):
    """Without a place, a shown label's tokens are NaN; a label not shown is nowhere."""
    blind = dataclasses.replace(pictures, masks=known_masks(pictures.labels, 16))
    tokens = augment(stored(blind), options(), torch.Generator().manual_seed(0)).tokens
    shown = torch.from_numpy(pictures.labels == 1)
    assert torch.isnan(tokens).all(dim=1)[shown].float().mean() > 0.9
    assert (tokens.transpose(1, 2)[~shown] == 0).all()
