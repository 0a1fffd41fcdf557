"""The forms a GPU computes fastest say what the plain ones say, under the same names."""

import copy

import pytest
import torch
from transformers import ViTConfig, ViTForImageClassification

from ucu_mlops.images.fused import JoinedAttention, fuse, linear_gelu, settle_weights
from ucu_mlops.images.network import look

SIZES = {"hidden_size": 48, "intermediate_size": 96, "num_hidden_layers": 2}


@pytest.fixture(params=[True, False], ids=["with biases", "without"])
def network(request) -> ViTForImageClassification:
    """A small ViT of colour pictures, whose position and biases are not all alike."""
    config = ViTConfig(
        **SIZES, num_attention_heads=3, image_size=24, patch_size=8, qkv_bias=request.param
    )
    torch.manual_seed(1)
    made = ViTForImageClassification(config)
    with torch.no_grad():
        for weight in made.parameters():
            weight.add_(0.05 * torch.randn_like(weight))
    return made.eval()


@torch.no_grad()
def test_patches_are_products(network):
    """Patch by patch the product gives what the convolution gives; names of weights stay."""
    fused = copy.deepcopy(network)
    fuse(fused)
    fuse(fused)
    pictures = torch.randn(2, 3, 24, 24)
    assert torch.allclose(look(fused, pictures).tokens, look(network, pictures).tokens, atol=1e-5)
    assert fused.state_dict().keys() == network.state_dict().keys()


@torch.no_grad()
def test_attention_takes_one_product(network):
    """Joined at each call or once, query, key and value give what three products give."""
    fused, tokens = copy.deepcopy(network), torch.randn(2, 10, 48)
    fuse(fused)
    plain, _ = network.vit.layers[1].attention(tokens)
    assert torch.allclose(fused.vit.layers[1].attention.at_once(tokens), plain, atol=1e-5)
    settle_weights(fused)
    attention = fused.vit.layers[1].attention
    assert isinstance(attention, JoinedAttention)
    assert torch.allclose(attention.at_once(tokens), plain, atol=1e-5)


@torch.no_grad()
def test_settled_weights_answer_the_same(network):
    """With GELU within the product and weights joined the network answers the same."""
    settled = copy.deepcopy(network)
    settle_weights(settled)
    pictures = torch.randn(2, 3, 24, 24)
    assert torch.allclose(look(settled, pictures).tokens, look(network, pictures).tokens, atol=1e-3)


def test_the_operation_is_one_that_compiles():
    """What a compiler is told of the product with GELU is what it does."""
    given = torch.randn(2, 5, 8), torch.randn(4, 8), torch.randn(4)
    torch.library.opcheck(linear_gelu, given, test_utils=("test_schema", "test_faketensor"))


@torch.no_grad()
def test_between_layers_numbers_are_as_narrow_as_the_products(network):
    """In mixed precision what runs past the layers is bf16; in full precision it stays as it is."""
    fuse(network)
    pictures = torch.randn(1, 3, 24, 24)
    assert network.vit.embeddings(pictures).dtype == torch.float32
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert network.vit.embeddings(pictures).dtype == torch.bfloat16
