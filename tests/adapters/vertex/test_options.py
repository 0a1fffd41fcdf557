"""`conf/<env>/vertexai.yml` is checked before anything is made of it."""

from pathlib import Path

import pytest

pytest.importorskip("kedro_vertexai", reason="make install-gcp installs it")

from kedro.config import OmegaConfigLoader

from ucu_mlops.adapters.vertex.machines import cost
from ucu_mlops.adapters.vertex.options import read_options
from ucu_mlops.errors import ConfigurationError
from ucu_mlops.settings import CONFIG_LOADER_ARGS

CONF = Path(__file__).parents[3] / "conf"


@pytest.fixture
def raw() -> dict:
    """What production says."""
    return OmegaConfigLoader(str(CONF), env="gcp", **CONFIG_LOADER_ARGS)["vertexai"]


@pytest.mark.parametrize("env", ["base", "test", "gcp"])
def test_every_environment_is_valid(env):
    """Whatever is shipped can be compiled."""
    read_options(OmegaConfigLoader(str(CONF), env=env, **CONFIG_LOADER_ARGS)["vertexai"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"region": "europe-west99"}, "region: .*must be a region.*got 'europe-west99'"),
        ({"project_id": "Our Project"}, "project_id: .*must be a project's id.*'Our Project'"),
        ({"labels": {"Team": "x"}}, "labels: .*lower-case"),
        ({"machines": {}}, "machines: Extra inputs"),
        ({"parameters": {"as_of": "day"}}, r"parameters\.as_of: .*'date'.*got 'day'"),
        (
            {"pipelines": {"scam_daily": {"service_account": "ann@example.com"}}},
            r"pipelines\.scam_daily\.service_account: .*pattern.*'ann@example.com'",
        ),
        ({"groups": {}}, None),
    ],
    ids=["region", "project", "label", "unknown key", "kind", "account", "no groups"],
)
def test_what_cannot_be_is_refused(raw, change, message):
    """One line says which key, what it must be and what came."""
    if message is None:
        options = read_options({**raw, **change})
        with pytest.raises(ConfigurationError, match=r"groups\.scoring\.machine: Field required"):
            options.group("scoring")
        return
    with pytest.raises(ConfigurationError, match=f"vertexai.yml, {message}"):
        read_options({**raw, **change})


def test_an_unknown_key_of_a_group_is_refused(raw):
    """A misspelt key would leave the default in force."""
    raw["groups"]["training"]["time_out"] = 5
    with pytest.raises(ConfigurationError, match=r"groups\.training\.time_out: Extra inputs"):
        read_options(raw)


def test_an_accelerator_costs_extra_where_it_is_added():
    """A T4 on an n1 has a price of its own; an L4 is in the g2's."""
    assert cost("n1-standard-4", "NVIDIA_TESLA_T4", 2, 60) == pytest.approx(0.22 + 2 * 0.40)
    assert cost("g2-standard-8", "NVIDIA_L4", 1, 30) == pytest.approx(0.98 / 2)
