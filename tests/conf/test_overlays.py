"""An environment states only what it changes, and changes it whole."""

from pathlib import Path

import pytest
from kedro.config import OmegaConfigLoader

from ucu_mlops.settings import CONFIG_LOADER_ARGS

CONF = Path(__file__).parents[2] / "conf"


def configuration(env: str, **params: str) -> OmegaConfigLoader:
    """Return the configuration as ``env`` sees it."""
    return OmegaConfigLoader(str(CONF), env=env, runtime_params=params, **CONFIG_LOADER_ARGS)


@pytest.mark.parametrize("env", ["test", "ethereum", "gcp"])
def test_each_environment_states_all_of_its_places(env):
    """Globals are replaced key by key: a forgotten one would point into another's data."""
    assert set(configuration(env)["globals"]) == set(configuration("base")["globals"])


def test_the_public_data_have_a_folder_of_their_own():
    """Nothing of the Ethereum environment lies where the platform's data lie."""
    places = configuration("ethereum")["globals"]
    own = [
        str(places[name])
        for name in ("data_root", "tracking_uri", "artifacts", "ledger", "bundles")
    ]
    assert all("data/ethereum" in place for place in own)


def test_as_of_alone_is_one_day():
    """`--params=as_of=D` runs D and nothing else."""
    period = configuration("base", as_of="2026-04-02")["parameters"]["period"]
    assert period == {"start": "2026-04-02", "end": "2026-04-02"}


def test_start_and_end_are_a_range():
    """`--params=start=A,end=B` runs A to B, in parameters and in partitions alike."""
    loader = configuration("base", start="2026-04-02", end="2026-04-05")
    assert loader["parameters"]["period"] == {"start": "2026-04-02", "end": "2026-04-05"}
    partition = loader["catalog"]["source_tables"]["partition"]
    assert (partition["start"], partition["end"]) == ("2026-04-02", "2026-04-05")
