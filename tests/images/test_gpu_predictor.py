"""Callers' pictures by the bundle's weights in torch: as the exported network says."""

from dataclasses import asdict

import numpy as np
import pytest
import torch

from ucu_mlops.bundle.manifest import LabelSpec, Manifest
from ucu_mlops.bundle.store import Draft, read_bundle, write_bundle
from ucu_mlops.errors import BundleError, ConfigurationError
from ucu_mlops.images.export import to_onnx
from ucu_mlops.images.gpu_predictor import GpuPredictor, sizes
from ucu_mlops.images.model_files import FP32, predictor_of
from ucu_mlops.images.network import save_network
from ucu_mlops.images.settings import LookOptions

DEVICES = [
    "cpu",
    pytest.param(
        "cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU at hand")
    ),
]
ROUNDING = {"cpu": 1e-5, "cuda": 0.03}  # of a probability: bf16 has three digits


@pytest.fixture
def bundle(tmp_path, network, options):
    """A bundle of the tiny network, as training writes its files."""
    settings = options().preprocessing
    save_network(network, settings, tmp_path / "network")
    files = {each.name: each.read_bytes() for each in (tmp_path / "network").iterdir()}
    policy = {"preprocessing": asdict(settings), "looks": asdict(LookOptions(looks=1))}
    labels = tuple(LabelSpec(name, 0.5) for name in network.config.id2label.values())
    manifest = Manifest("images", "model", "2026-03-31", (), labels, policy=policy)
    write_bundle(Draft(manifest, files | {FP32: to_onnx(network)}), tmp_path / "bundle")
    return read_bundle(tmp_path / "bundle", "1")


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("count", [1, 3, 8])
def test_both_networks_say_the_same(bundle, pictures, device, count):
    """One, three (filled up to four) and eight pictures: ONNX's probabilities, up to rounding."""
    given = pictures.pixels[:count], pictures.boxes[:count]
    said = GpuPredictor(bundle, 4, device).probabilities(*given)
    wanted = predictor_of(bundle, 1).probabilities(*given)
    assert said.shape == wanted.shape
    np.testing.assert_allclose(said, wanted, atol=ROUNDING[device])


@pytest.mark.parametrize("device", DEVICES)
def test_what_fills_up_changes_nothing(bundle, pictures, device):
    """A picture alone and among others gets the same probabilities."""
    predictor = GpuPredictor(bundle, 4, device)
    together = predictor.probabilities(pictures.pixels[:3], pictures.boxes[:3])
    for row in range(3):
        one = slice(row, row + 1)
        alone = predictor.probabilities(pictures.pixels[one], pictures.boxes[one])
        np.testing.assert_allclose(alone[0], together[row], atol=ROUNDING[device] / 3)


def test_few_sizes_serve_all():
    """Powers of two, up to the first that holds the largest."""
    assert [sizes(largest) for largest in (1, 2, 3, 8)] == [[1], [1, 2], [1, 2, 4], [1, 2, 4, 8]]


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is at hand")
def test_without_a_gpu_it_is_said(bundle):
    """One line names the option and the file."""
    with pytest.raises(ConfigurationError, match=r"pictures\.device .* set it to cpu"):
        GpuPredictor(bundle, 1)


def test_a_bundle_without_weights_is_refused(bundle):
    """A version is refused, with what is missing, and the server goes on with the old one."""
    (bundle.folder / "model.safetensors").unlink()
    with pytest.raises(BundleError, match=r"version 1: .* has no model\.safetensors"):
        GpuPredictor(bundle, 1, "cpu")
