"""On a GPU training learns, resumes and gets by with less memory; looks answer as on a CPU."""

import dataclasses
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch

from ucu_mlops.images.checkpoints import FolderCheckpoints
from ucu_mlops.images.distributed import HISTORY, TRAINED, run_job, write_job
from ucu_mlops.images.finetune import finetune
from ucu_mlops.images.inference import AT_ONCE, DeviceLook, first_looks
from ucu_mlops.images.network import build_network, look
from ucu_mlops.images.options import ImageModelOptions
from ucu_mlops.images.peers import ALONE

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU at hand")
ROUNDING = 0.03  # of a probability: bf16 has three digits


def on_gpu(chosen: ImageModelOptions, **loop) -> ImageModelOptions:
    """The same options, on the GPU, in bf16."""
    there = dataclasses.replace(chosen.finetuning, device="cuda", precision="auto", **loop)
    return dataclasses.replace(chosen, finetuning=there)


def test_it_learns_in_bf16(network, pictures, validation, options, listener, tmp_path):
    """After 3,000 small pictures it tells stripes from checks, and says what it ran on."""
    chosen = on_gpu(options(samples=3_072, epochs=3, batch=32, learning_rate=2e-3))
    done = finetune(network, pictures, validation, chosen, FolderCheckpoints(tmp_path), listener)
    assert done.history[-1]["score"] > 0.8
    assert done.facts["device"] == "cuda"
    assert done.facts["bf16"]


def test_a_killed_training_goes_on(
    network, pictures, validation, options, killed_training, tmp_path
):
    """Killed within an epoch and started again it ends as if it had not been, up to rounding."""
    chosen = on_gpu(options(checkpoint_steps=2))
    for name in ("whole", "killed"):
        write_job(tmp_path / name, network, pictures, validation, chosen)
    whole = run_job(tmp_path / "whole", ALONE)
    command = [sys.executable, "-c", killed_training, str(tmp_path / "killed")]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert not (tmp_path / "killed" / TRAINED).exists()
    again = run_job(tmp_path / "killed", ALONE)
    pair = whole.network.state_dict(), again.network.state_dict()
    apart = max(float((pair[0][name] - pair[1][name]).abs().max()) for name in pair[0])
    assert apart < 1e-2
    assert (tmp_path / "killed" / HISTORY).exists()


def test_too_little_memory_halves_what_goes_through_at_once(
    pictures, validation, options, listener, tmp_path
):
    """A batch that really does not fit goes through in parts, and training says so."""
    chosen = on_gpu(options(samples=1_024, epochs=1), batch=512)
    wide = dataclasses.replace(chosen.network, stem="patch", patch=4, width=256, heads=8, depth=6)
    chosen = dataclasses.replace(chosen, network=wide)
    whole = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(900e6 / whole)
    try:
        done = finetune(
            build_network(wide, chosen.preprocessing, ("stripes", "checks"), seed=3),
            pictures,
            validation,
            chosen,
            FolderCheckpoints(tmp_path),
            listener,
        )
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert listener.sentences
    assert all(each.startswith("out of memory") for each in listener.sentences)
    assert done.facts["part"] < 512


@pytest.mark.parametrize("stem", ["convolutional", "patch"])
def test_a_look_says_what_the_network_says(pictures, options, stem):
    """In bf16, compiled and replayed it answers like the plain network, whatever the number."""
    chosen = options()
    made = dataclasses.replace(chosen.network, stem=stem)
    network = build_network(made, chosen.preprocessing, ("stripes", "checks"), seed=3)
    network.train(mode=False)
    inputs = torch.randn(AT_ONCE, 1, 32, 32)
    with torch.inference_mode():
        plain = torch.sigmoid(look(network, inputs).picture).numpy()
    there = DeviceLook(network.cuda())
    for count in (1, 7, AT_ONCE, 7):
        picture, tokens = there(inputs[:count])
        assert np.abs(picture.cpu().numpy() - plain[:count]).max() < ROUNDING
        assert tokens.shape[:2] == (count, 16)
    assert len(first_looks(network, pictures, chosen.preprocessing)) == len(pictures)
