"""What a step sees hangs on the step alone, and is at hand when the step begins."""

import dataclasses
import threading

import pytest
import torch

from ucu_mlops.images.batches import Batches
from ucu_mlops.images.peers import ALONE, Peers


@pytest.fixture
def batches(pictures, options) -> Batches:
    """Six steps in two epochs."""
    return Batches(pictures, options(), torch.device("cpu"), ALONE)


@pytest.mark.parametrize("first", [0, 4])
def test_made_ahead_they_are_the_same(batches, first):
    """From whichever step training goes on, each batch is the one that the step alone makes."""
    ahead = list(batches.ahead(first))
    assert len(ahead) == batches.steps - first == 6 - first
    for step, batch in enumerate(ahead, start=first):
        alone = batches.make(step)
        assert torch.equal(batch.inputs, alone.inputs)
        assert torch.equal(batch.labels.nan_to_num(-1), alone.labels.nan_to_num(-1))


def test_a_finished_training_makes_none(batches):
    """After the last step there is nothing to make."""
    assert list(batches.ahead(batches.steps)) == []


def test_the_next_is_made_while_one_is_in_use(batches, monkeypatch):
    """Before the second batch is asked for, another thread has made it."""
    made, makers = threading.Event(), []
    make = Batches.make

    def watched(self, step):
        batch = make(self, step)
        makers.append(threading.current_thread())
        if step == 1:
            made.set()
        return batch

    monkeypatch.setattr(Batches, "make", watched)
    coming = batches.ahead(0)
    next(coming)
    assert made.wait(timeout=60)
    coming.close()
    assert threading.current_thread() not in makers
    assert not makers[0].is_alive()


def test_processes_share_a_batch(batches):
    """Two processes see half of a batch's pictures each, and none twice."""
    plain = dataclasses.replace(
        batches, options=dataclasses.replace(batches.options, augmentation=_nothing(batches))
    )
    whole = plain.make(0).inputs
    for rank in (0, 1):
        part = dataclasses.replace(plain, peers=Peers(rank, 2)).make(0).inputs
        assert torch.allclose(part, whole[rank::2], atol=1e-6)


def _nothing(batches: Batches):
    return batches.options.augmentation.none()
