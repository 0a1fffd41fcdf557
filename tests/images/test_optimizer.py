"""Who learns how fast."""

import pytest

from ucu_mlops.images.optimizer import learning_rate, make_optimizer, set_learning_rates
from ucu_mlops.images.options import FinetuningOptions

STEPS = 100


def test_the_rate_rises_then_falls():
    """It is highest after the warm-up and 0 in the end."""
    options = FinetuningOptions(warm_up=0.1, learning_rate=1.0)
    rates = [learning_rate(step, STEPS, options) for step in range(STEPS + 1)]
    assert rates[:10] == pytest.approx([0.1 * (step + 1) for step in range(10)])
    assert max(rates) == 1.0
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] == pytest.approx(0.0)


def test_layers_learn_slower_the_deeper_they_lie(network):
    """Stem, two layers, head: each learns half as fast as the next."""
    options = FinetuningOptions(layer_decay=0.5, warm_up=0.0, learning_rate=1.0)
    optimizer = make_optimizer(network, options)
    set_learning_rates(optimizer, 0, STEPS, options)
    rate = {id(w): group["lr"] for group in optimizer.param_groups for w in group["params"]}
    named = {name: rate[id(weight)] for name, weight in network.named_parameters()}
    assert named["classifier.weight"] == 1.0
    assert {v for k, v in named.items() if k.startswith("vit.layers.1.")} == {0.5}
    assert {v for k, v in named.items() if k.startswith("vit.layers.0.")} == {0.25}
    assert {v for k, v in named.items() if k.startswith("vit.embeddings.")} == {0.125}


def test_head_first_leaves_the_rest_alone(network):
    """In the first share of the steps only the classifier learns."""
    options = FinetuningOptions(head_first=0.5, warm_up=0.0)
    optimizer = make_optimizer(network, options)
    for step, learns in ((10, {True}), (60, {True, False})):
        set_learning_rates(optimizer, step, STEPS, options)
        assert {group["head"] for group in optimizer.param_groups if group["lr"] > 0} == learns


def test_only_products_decay(network):
    """Biases, norms, positions and the class token keep their size."""
    optimizer = make_optimizer(network, FinetuningOptions())
    free = {id(w) for g in optimizer.param_groups if g["weight_decay"] == 0 for w in g["params"]}
    named = {name for name, weight in network.named_parameters() if id(weight) in free}
    assert {"vit.embeddings.cls_token", "vit.embeddings.position_embeddings"} <= named
    assert "classifier.bias" in named
    assert "classifier.weight" not in named
