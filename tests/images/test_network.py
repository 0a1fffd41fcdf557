"""Networks are built from a checkpoint or from scratch, and refused in one line."""

import json

import pytest
import torch
from transformers import BertConfig, ViTConfig, ViTForImageClassification

from ucu_mlops.errors import ConfigurationError
from ucu_mlops.images.network import build_network, label_names, load_network, look, save_network
from ucu_mlops.images.options import NetworkOptions
from ucu_mlops.images.settings import PreprocessingSettings

SETTINGS = PreprocessingSettings(side=32)
COMPACT = {"patch": 8, "width": 32, "depth": 2, "heads": 2}


@pytest.fixture
def checkpoint(tmp_path):
    """A ViT's checkpoint as others publish it, with a head of five labels."""
    config = ViTConfig(
        image_size=32,
        patch_size=8,
        num_channels=1,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        num_labels=5,
    )
    ViTForImageClassification(config).save_pretrained(tmp_path)
    return tmp_path


@pytest.mark.parametrize("stem", ["convolutional", "patch"])
def test_what_is_saved_comes_back(tmp_path, stem):
    """A network read back says the same of pictures and of each of their 16 tokens."""
    network = build_network(NetworkOptions(stem=stem, **COMPACT), SETTINGS, ["a", "b"], seed=1)
    network.train(mode=False)
    save_network(network, SETTINGS, tmp_path)
    again, settings = load_network(tmp_path)
    again.train(mode=False)
    pictures = torch.rand(3, 1, 32, 32)
    one, other = look(network, pictures), look(again, pictures)
    assert torch.equal(one.picture, other.picture)
    assert torch.equal(one.tokens, other.tokens)
    assert one.tokens.shape == (3, 16, 2)
    assert (settings, label_names(again)) == (SETTINGS, ("a", "b"))


def test_a_checkpoint_gets_our_head(checkpoint):
    """Its layers are taken over, its head of other labels is not."""
    network = build_network(NetworkOptions(checkpoint=str(checkpoint), **COMPACT), SETTINGS, "a", 1)
    theirs = ViTForImageClassification.from_pretrained(checkpoint)
    assert torch.equal(network.vit.layernorm.weight, theirs.vit.layernorm.weight)
    assert torch.equal(network.vit.embeddings.cls_token, theirs.vit.embeddings.cls_token)
    assert (network.classifier.out_features, label_names(network)) == (1, ("a",))


def test_our_own_network_is_a_checkpoint_too(tmp_path):
    """Training goes on from a compact network, with its stem, for one label more."""
    first = build_network(NetworkOptions(**COMPACT), SETTINGS, ["a"], seed=1)
    save_network(first, SETTINGS, tmp_path)
    chosen = NetworkOptions(checkpoint=str(tmp_path), **COMPACT)
    second = build_network(chosen, SETTINGS, ["a", "b"], seed=2)
    stems = [each.vit.embeddings.patch_embeddings.projection for each in (first, second)]
    assert torch.equal(stems[0].weight, stems[1].weight)
    assert label_names(second) == ("a", "b")


@pytest.mark.parametrize(
    ("chosen", "settings", "says"),
    [
        ({"head": "keep"}, SETTINGS, r"knows 5 labels .*set images.model.network.head to new"),
        ({}, PreprocessingSettings(side=64), "takes 32 pixels and 1 channels"),
        ({"checkpoint": "nobody/nothing"}, SETTINGS, "is not at hand"),
    ],
    ids=["labels", "input", "missing"],
)
def test_refuses_a_checkpoint(checkpoint, chosen, settings, says):
    """Other labels to keep, another input, or none at hand: an error with the remedy."""
    options = NetworkOptions(**{"checkpoint": str(checkpoint), **COMPACT, **chosen})
    with pytest.raises(ConfigurationError, match=says):
        build_network(options, settings, ["a", "b"], seed=1)


def test_refuses_another_architecture(tmp_path):
    """A checkpoint of something else is named."""
    BertConfig().save_pretrained(tmp_path)
    with pytest.raises(ConfigurationError, match="is a bert"):
        build_network(NetworkOptions(checkpoint=str(tmp_path)), SETTINGS, ["a"], seed=1)


def test_refuses_pickled_weights(checkpoint):
    """A checkpoint without safetensors is not read."""
    weights = checkpoint / "model.safetensors"
    torch.save({}, checkpoint / "pytorch_model.bin")
    weights.unlink()
    options = NetworkOptions(checkpoint=str(checkpoint), **COMPACT)
    with pytest.raises(ConfigurationError, match="pickled ones are not read"):
        build_network(options, SETTINGS, ["a"], seed=1)


def test_refuses_an_empty_label_set():
    """No label is no network."""
    with pytest.raises(ConfigurationError, match="name at least one label"):
        build_network(NetworkOptions(), SETTINGS, [], seed=1)


def test_refuses_weights_of_another_network(tmp_path):
    """Weights that do not fit their configuration are refused."""
    network = build_network(NetworkOptions(**COMPACT), SETTINGS, ["a"], seed=1)
    save_network(network, SETTINGS, tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "hidden_size": 64}))
    with pytest.raises(ConfigurationError, match="does not fit its config"):
        load_network(tmp_path)
