"""The loop learns, resumes to the same result, and gets by with less memory."""

import dataclasses
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch

from ucu_mlops.errors import ConfigurationError, NotEnoughDataError
from ucu_mlops.images import finetune as loop
from ucu_mlops.images.checkpoints import FolderCheckpoints
from ucu_mlops.images.distributed import HISTORY, TRAINED, run_job, write_job
from ucu_mlops.images.finetune import finetune
from ucu_mlops.images.network import build_network, load_network, look
from ucu_mlops.images.peers import ALONE


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    """The same sums in the same order everywhere."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def weights_of(network) -> dict[str, np.ndarray]:
    """A network's weights as arrays."""
    return {name: each.numpy() for name, each in network.state_dict().items()}


def plain_network(chosen):
    """Without the stem, whose running statistics hang on what a process sees at once."""
    plain = dataclasses.replace(chosen.network, stem="patch")
    return build_network(plain, chosen.preprocessing, ("stripes", "checks"), seed=3)


def distance(one, other) -> float:
    """Largest difference between two networks' weights."""
    pair = weights_of(one), weights_of(other)
    return max(float(np.abs(pair[0][name] - pair[1][name]).max()) for name in pair[0])


def test_it_learns(network, pictures, validation, options, listener, no_checkpoints):
    """After 3,000 small pictures it tells stripes from checks from noise."""
    chosen = options(samples=3_072, epochs=3, batch=32, learning_rate=2e-3)
    done = finetune(network, pictures, validation, chosen, no_checkpoints, listener)
    assert done.history[-1]["score"] > 0.8 > done.history[0]["score"] - 0.2
    assert listener.epochs == list(done.history)
    assert done.facts["device"] == "cpu"


def test_a_killed_training_ends_the_same(
    network, pictures, validation, options, tmp_path, killed_training
):
    """Killed within an epoch and started again, it ends with the very same weights."""
    chosen = options(checkpoint_steps=2)
    for name in ("whole", "killed"):
        write_job(tmp_path / name, network, pictures, validation, chosen)
    whole = run_job(tmp_path / "whole", ALONE)
    command = [sys.executable, "-c", killed_training, str(tmp_path / "killed")]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert not (tmp_path / "killed" / TRAINED).exists()
    again = run_job(tmp_path / "killed", ALONE)
    assert distance(whole.network, again.network) == 0
    assert [each["loss"] for each in whole.history] == [each["loss"] for each in again.history]


def test_two_processes_train_what_one_does(network, pictures, validation, options, tmp_path):
    """Two processes under torchrun end with one process's weights, up to rounding."""
    chosen = dataclasses.replace(options(samples=64), augmentation=options().augmentation.none())
    patches = plain_network(chosen)
    for name in ("one", "two"):
        write_job(tmp_path / name, patches, pictures, validation, chosen)
    run_job(tmp_path / "one", ALONE)
    command = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    module = ["-m", "ucu_mlops.images.distributed", str(tmp_path / "two")]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    subprocess.run([sys.executable, *command, *module], check=True, env=environment, timeout=300)
    one, two = (load_network(tmp_path / name / TRAINED)[0] for name in ("one", "two"))
    assert distance(patches, one) > 0
    assert distance(one, two) < 1e-4
    assert (tmp_path / "two" / HISTORY).is_file()


def test_too_little_memory_halves_what_goes_through_at_once(
    pictures, validation, options, listener, monkeypatch, no_checkpoints
):
    """Out of memory above 4 pictures: said twice, and the result is that of whole batches."""
    chosen, kept = options(samples=32), no_checkpoints
    whole = finetune(plain_network(chosen), pictures, validation, chosen, kept, listener)
    assert listener.sentences == []

    def little_memory(network, inputs):
        if len(inputs) > 4:
            raise torch.OutOfMemoryError
        return look(network, inputs)

    monkeypatch.setattr(loop, "look", little_memory)
    halved = finetune(plain_network(chosen), pictures, validation, chosen, kept, listener)
    assert [each[:17] for each in listener.sentences] == ["out of memory: 8 ", "out of memory: 4 "]
    assert halved.facts["part"] == 4
    assert distance(whole.network, halved.network) < 1e-4


def test_no_memory_at_all_is_an_error(
    network, pictures, validation, options, listener, monkeypatch, no_checkpoints
):
    """Not even one picture fits: an error that names what to make smaller."""

    def no_memory(network, inputs):
        raise torch.OutOfMemoryError

    monkeypatch.setattr(loop, "look", no_memory)
    with pytest.raises(ConfigurationError, match="choose a smaller"):
        finetune(network, pictures, validation, options(), no_checkpoints, listener)


def test_it_stops_when_validation_stalls(
    network, pictures, validation, options, listener, no_checkpoints
):
    """Without a better epoch for as long as patience says, training ends early."""
    chosen = options(samples=160, epochs=10, learning_rate=1e-8, average=0.0, patience=1)
    done = finetune(network, pictures, validation, chosen, no_checkpoints, listener)
    assert done.stopped_early
    assert len(done.history) < 10


def test_a_state_of_other_options_is_not_taken_up(
    network, pictures, validation, options, listener, tmp_path
):
    """Training begins anew, and says so, where the kept state is of another training."""
    kept = FolderCheckpoints(tmp_path)
    finetune(network, pictures, validation, options(samples=32), kept, listener)
    done = finetune(network, pictures, validation, options(samples=32, seed=1), kept, listener)
    assert listener.sentences == [
        "the kept state is of other pictures or options: training begins anew"
    ]
    assert len(done.history) == 2


def test_needs_both_answers_of_each_label(
    network, pictures, validation, options, listener, no_checkpoints
):
    """A label that no training picture shows is named."""
    labels = pictures.labels.copy()
    labels[:, 1] = 0
    alone = dataclasses.replace(pictures, labels=labels)
    with pytest.raises(NotEnoughDataError, match="no training picture shows label 'checks'"):
        finetune(network, alone, validation, options(), no_checkpoints, listener)
