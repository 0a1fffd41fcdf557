"""What `endpoints.yml` may say, and how it is refused."""

from pathlib import Path

import pytest
import yaml

from ucu_mlops.adapters.vertex.endpoint_options import read_endpoint
from ucu_mlops.errors import ConfigurationError

SHIPPED = yaml.safe_load(
    (Path(__file__).parents[3] / "conf/gcp/endpoints.yml").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("model", ["scam", "images"])
def test_what_is_shipped_is_accepted(model):
    """Both models have an endpoint."""
    assert read_endpoint(SHIPPED, model).steps[-1] == 100


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps": [10, 50]}, r"endpoints.yml, scam: steps must rise to 100, got \[10, 50\]"),
        ({"steps": [50, 10, 100]}, "must rise to 100"),
        ({"steps": [0, 100]}, "must begin above 0"),
        ({"steps": []}, "must rise to 100"),
        ({"replicas": {"least": 0, "most": 1}}, "scam.replicas.least: .* got 0"),
        (
            {"replicas": {"least": 3, "most": 1}},
            r"scam.replicas: most must be at least least \(3\)",
        ),
        ({"autoscaling": {"metric": "queries", "percent": 60}}, "scam.autoscaling.metric"),
        ({"autoscaling": {"metric": "accelerator", "percent": 60}}, "but there is none"),
        ({"machine": "e2-standard-3"}, "machine e2-standard-3 is unknown"),
        ({"accelerator": "NVIDIA_L4"}, "takes 0 of NVIDIA_L4"),
        ({"service_account": "me@example.com"}, "scam.service_account"),
        ({"replica": 1}, "scam.replica: Extra inputs"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_impossible_is_refused_by_key(change, message):
    """In one line: the file, the key, what it must be."""
    with pytest.raises(ConfigurationError, match=message) as caught:
        read_endpoint(SHIPPED | {"scam": SHIPPED["scam"] | change}, "scam")
    assert "\n" not in str(caught.value)


def test_a_model_without_an_endpoint_is_refused():
    """The message says which are known."""
    with pytest.raises(ConfigurationError, match=r"says nothing of 'spam'; it knows \['images'"):
        read_endpoint(SHIPPED, "spam")
