"""What crosses a node is in the catalog, in a layer, under a name that the pipelines use."""

from pathlib import Path

import pytest
from kedro.config import OmegaConfigLoader
from kedro.io import DataCatalog

from ucu_mlops.pipeline_registry import register_pipelines
from ucu_mlops.settings import CONFIG_LOADER_ARGS

CONF = Path(__file__).parents[2] / "conf"
ENVIRONMENTS = ["base", "test", "ethereum", "gcp"]
LAYERS = [
    "raw",
    "intermediate",
    "primary",
    "feature",
    "model_input",
    "models",
    "model_output",
    "reporting",
]


def entries(env: str) -> dict:
    """Return the catalog's entries as ``env`` sees them."""
    loader = OmegaConfigLoader(
        str(CONF), env=env, runtime_params={"source_dir": "somewhere"}, **CONFIG_LOADER_ARGS
    )
    return {name: entry for name, entry in loader["catalog"].items() if not name.startswith("_")}


def datasets() -> set[str]:
    """Return every dataset that a registered pipeline reads or writes."""
    names = {name for each in register_pipelines().values() for name in each.datasets()}
    return {name for name in names if not name.startswith("params:") and name != "parameters"}


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_everything_that_crosses_a_node_is_in_the_catalog(env):
    """No dataset of any pipeline would be kept in memory only."""
    catalog = DataCatalog.from_config(entries(env))
    missing = {
        name
        for name in datasets()
        if name not in entries(env) and not catalog.config_resolver.match_dataset_pattern(name)
    }
    assert missing == set()


def test_no_entry_is_unused():
    """Each entry, plain or pattern, stands for a dataset that some pipeline has."""
    catalog = DataCatalog.from_config(entries("base"))
    used = {catalog.config_resolver.match_dataset_pattern(name) or name for name in datasets()}
    assert set(entries("base")) - used == set()


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_each_entry_has_a_layer(env):
    """Kedro-Viz shows each dataset in one of the named layers."""
    layers = {
        name: entry.get("metadata", {}).get("kedro-viz", {}).get("layer")
        for name, entry in entries(env).items()
    }
    assert {name: layer for name, layer in layers.items() if layer not in LAYERS} == {}


def test_files_lie_in_their_layers_folder():
    """An entry of layer ``models`` is saved below ``06_models``, and so on."""
    numbered = {folder.name[3:]: folder.name for folder in (CONF.parent / "data").glob("0*")}
    wrong = {
        name: entry["filepath"]
        for name, entry in entries("base").items()
        if "filepath" in entry
        and f"/{numbered[entry['metadata']['kedro-viz']['layer']]}/" not in entry["filepath"]
    }
    assert wrong == {}


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_no_environment_renames_a_dataset(env):
    """A pipeline that runs at the desk finds every name elsewhere too."""
    assert set(entries("base")) <= set(entries(env))


def test_no_node_leads_back_to_an_earlier_layer():
    """Kedro-Viz draws layers only while every arrow goes from one to the same or a later one."""
    catalog = entries("base")
    resolver = DataCatalog.from_config(catalog).config_resolver

    def layer(name: str) -> int:
        entry = catalog[resolver.match_dataset_pattern(name) or name]
        return LAYERS.index(entry["metadata"]["kedro-viz"]["layer"])

    # Whole pipelines too: folded up, a namespace is one node between its inputs and outputs.
    pipelines = register_pipelines().values()
    pairs = [
        *((set(node.inputs), set(node.outputs)) for each in pipelines for node in each.nodes),
        *((each.inputs(), each.outputs()) for each in pipelines),
    ]
    back = {
        (source, result)
        for sources, results in pairs
        for source in sources
        for result in results
        if not source.startswith("params:") and layer(source) > layer(result)
    }
    assert back == set()
