"""The pipelines under their names, and what each of them touches."""

import subprocess
import sys

import pytest
from kedro.pipeline import Pipeline

from ucu_mlops.pipeline_registry import register_pipelines

PIPELINES = register_pipelines()
NAMES = {
    "__default__",
    "simulation",
    "simulation_day",
    "features",
    "features_publishing",
    "scam_coldstart",
    "scam_training",
    "scam_evaluation",
    "scam_release",
    "scam_scoring",
    "scam_monitoring",
    "scam_requests",
    "scam_experiments",
    "scam_crossvalidation",
    "scam_comparison",
    "scam_daily",
    "scam_retrain",
    "images_simulation",
    "images_simulation_day",
    "images_coldstart",
    "images_store",
    "images_training",
    "images_evaluation",
    "images_release",
    "images_scoring",
    "images_monitoring",
    "images_requests",
    "images_experiments",
    "images_retrain",
    "images_daily",
    "images_first",
}


def test_every_name_is_registered():
    """`kedro run --pipeline=NAME` works for these names and there are no others."""
    assert set(PIPELINES) == NAMES


def test_the_hidden_truth_is_read_by_the_simulation_alone():
    """No model, gate or monitor sees who is a scammer; played moderators see what pictures show."""
    truths = {"simulation_truth", "images_truth", "todays_images_truth"}
    readers = {name for name, each in PIPELINES.items() if truths & each.all_inputs()}
    assert readers == {"images_simulation_day"}


@pytest.mark.parametrize("name", sorted(NAMES))
def test_nodes_are_named_by_verbs(name):
    """A node's name says what it does, without `_node`."""
    assert all(not node.name.endswith("_node") for node in PIPELINES[name].nodes)


def test_plain_run_goes_from_nothing_to_a_queue():
    """The default pipeline needs no data set to exist before it starts."""
    default: Pipeline = PIPELINES["__default__"]
    free = {name for name in default.inputs() if not name.startswith("params:")}
    # All may be empty.
    assert free <= {"scam.decisions", "scam.moves", "scam.experiment_verdicts"}
    assert {"scam.worklist", "scam.monitoring_page", "scam.exposition"} <= default.outputs()


def test_the_scam_model_needs_no_extra():
    """Every pipeline is registered where the images' libraries are not installed."""
    code = (
        "import sys\n"
        "class Absent:\n"
        "    def find_spec(self, name, *rest):\n"
        "        if name.split('.')[0] in {'segno', 'zxingcpp', 'torch', 'transformers',"
        " 'safetensors', 'onnxscript'}:\n"
        "            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Absent())\n"
        "from ucu_mlops.pipeline_registry import register_pipelines\n"
        "assert register_pipelines()\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
