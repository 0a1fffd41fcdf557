"""The manifest is read strictly and comes back as it was written."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ucu_mlops.bundle.manifest import FeatureSpec, LabelSpec, Manifest
from ucu_mlops.errors import BundleError, ConfigurationError

texts = st.text(max_size=20)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(texts, values, max_size=3)
features = st.builds(FeatureSpec, texts, st.sampled_from(["numeric", "categorical"]), texts, texts)
manifests = st.builds(
    Manifest,
    model=texts,
    kind=st.sampled_from(["model", "rule"]),
    as_of=st.dates().map(str),
    features=st.lists(features, max_size=4, unique_by=lambda spec: spec.name).map(tuple),
    labels=st.lists(
        st.builds(LabelSpec, texts, st.floats(0, 1)), max_size=3, unique_by=lambda spec: spec.name
    ).map(tuple),
    policy=objects,
    calibration=objects,
    reference=objects,
    training=objects,
    files=st.dictionaries(texts, texts, max_size=3),
)


@settings(deadline=None)
@given(manifests)
def test_comes_back_as_written(manifest):
    """Whatever JSON can say survives the way to the file and back."""
    assert Manifest.from_json(manifest.to_json()) == manifest


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"schema_version": 2}, "schema_version must be 1, got 2"),
        ({"surprise": 1}, r"unknown \['surprise'\]"),
        ({"labels": None}, "labels must be a list"),
        ({"kind": "oracle"}, "must be one of .*oracle"),
        ({"features": [{"name": "x"}]}, r"lacks \['definition', 'group', 'kind'\]"),
        ({"labels": [{"name": "scam", "threshold": "high"}]}, "threshold of"),
        ({"features": ["x"]}, "must be an object"),
    ],
    ids=["schema", "unknown key", "type", "kind", "feature", "threshold", "no object"],
)
def test_refuses(manifest, change, complaint):
    """One line says which key is wrong."""
    changed = json.dumps({**json.loads(manifest.to_json()), **change})
    with pytest.raises(BundleError, match=complaint) as caught:
        Manifest.from_json(changed, "here/bundle.json")
    assert str(caught.value).startswith("here/bundle.json")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("missing", ["model", "files", "reference", "code_version"])
def test_refuses_a_missing_key(manifest, missing):
    """No key has a default when a manifest is read."""
    raw = json.loads(manifest.to_json())
    del raw[missing]
    with pytest.raises(BundleError, match=missing):
        Manifest.from_json(json.dumps(raw))


@pytest.mark.parametrize("text", [b"\x80\x04K\x01.", "[]", "{", b"\xff\xfe"])
def test_refuses_what_is_no_json_object(text):
    """A pickle in the manifest's place is not opened, nor is half a file."""
    with pytest.raises(BundleError):
        Manifest.from_json(text)


def test_does_not_write_nan(manifest):
    """NaN is no JSON: the writer is told, not the reader of another language."""
    with pytest.raises(BundleError, match="null for NaN"):
        replace(manifest, calibration={"slope": float("nan")}).to_json()


def test_names_occur_once(manifest):
    """Two inputs of one name could not be told apart."""
    with pytest.raises(ConfigurationError, match="repeat a name"):
        replace(manifest, features=manifest.features[:1] * 2)


def test_definition_follows_each_feature(manifest):
    """The one hash changes with any definition and with the order."""
    first, second = manifest.features
    changed = replace(manifest, features=(replace(first, definition="new"), second))
    turned = replace(manifest, features=(second, first))
    assert len({manifest.definition, changed.definition, turned.definition}) == 3
