"""What an image model's bundle says of its labels."""

from dataclasses import replace

import pytest

from ucu_mlops.bundle.manifest import Manifest
from ucu_mlops.bundle.store import Bundle, Draft, read_bundle, write_bundle
from ucu_mlops.errors import BundleError
from ucu_mlops.images.labels import parse_labels
from ucu_mlops.images.model_files import label_set_of, label_specs, policy_of, thresholds_of
from ucu_mlops.images.settings import LookOptions, PreprocessingSettings
from ucu_mlops.images.thresholds import choose_thresholds

# Not in the alphabet's order: a network's outputs are not, either.
ASKED = parse_labels(
    {
        "qr_code": {"expert": ["QRCode"], "decides": "union"},
        "matrix_code": {"expert": ["Aztec"], "decides": "reader"},
        "linear_barcode": None,
    }
)


@pytest.fixture
def bundle(tmp_path, made_up):
    """A completed bundle, written and read again."""
    thresholds = choose_thresholds(
        made_up.probabilities, made_up.labels, made_up.groups, ASKED, made_up.reader
    )
    manifest = Manifest(
        model="images",
        kind="model",
        as_of="2026-03-31",
        features=(),
        labels=tuple(label_specs(thresholds, ASKED)),
        policy=policy_of(ASKED, PreprocessingSettings(), LookOptions(), thresholds),
    )
    write_bundle(Draft(manifest, {}), tmp_path / "bundle")
    return read_bundle(tmp_path / "bundle")


def test_labels_keep_the_order_of_the_networks_outputs(bundle):
    """Read back, each label stands where it stood, with what was asked of it."""
    assert label_set_of(bundle) == ASKED
    assert [each.label for each in thresholds_of(bundle)] == list(ASKED.names)
    assert [each.name for each in bundle.manifest.labels] == list(ASKED.names)


def test_each_label_has_the_threshold_of_who_decides(bundle):
    """The network's, the union's, or that of what is certain; never above 1."""
    union, _, network = thresholds_of(bundle)
    given = {each.name: each.threshold for each in bundle.manifest.labels}
    assert given["qr_code"] == min(union.union.threshold, 1.0)
    assert given["matrix_code"] == 1.0
    assert given["linear_barcode"] == min(network.network.threshold, 1.0)


def test_a_bundle_of_another_model_is_refused_in_one_line(bundle):
    """What is no image model, or has no thresholds yet, says so and what to do."""
    foreign = replace(bundle, manifest=replace(bundle.manifest, policy={"capacity": 60}))
    with pytest.raises(BundleError, match="is no bundle of the image model"):
        label_set_of(foreign)
    policy = bundle.manifest.policy | {"thresholds": []}
    unfinished = Bundle(bundle.folder, replace(bundle.manifest, policy=policy))
    with pytest.raises(BundleError, match="no thresholds yet; run images_training"):
        thresholds_of(unfinished)
