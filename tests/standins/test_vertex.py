"""The stand-in for Vertex AI refuses what the documentation forbids, and guesses nothing."""

import pytest

pytest.importorskip("google.cloud.aiplatform_v1", reason="make install-gcp installs it")

import grpc
from google.api_core import exceptions as google_errors
from google.api_core import grpc_helpers
from google.cloud import aiplatform_v1 as vertex

from standins.vertex.loopback import loopback_only
from standins.vertex.server import StandIn

PARENT = "projects/my-project/locations/europe-west1"
STORE = f"{PARENT}/metadataStores/default"
RUN = {"schema_title": "system.ExperimentRun", "schema_version": "0.0.1"}
MODEL = {"display_name": "scam", "container_spec": {"image_uri": "image"}}


@pytest.fixture
def stand_in():
    serving = StandIn()
    serving.start()
    yield serving
    serving.stop()


@pytest.fixture
def client(stand_in):
    """Return what makes a client of a service."""

    def make(kind):
        channel = grpc.insecure_channel(stand_in.address)
        return kind(transport=kind.get_transport_class("grpc")(channel=channel))

    return make


@pytest.fixture
def metadata(client):
    """A client of metadata with its store made."""
    made = client(vertex.MetadataServiceClient)
    made.create_metadata_store(
        request={"parent": PARENT, "metadata_store": {}, "metadata_store_id": "default"}
    ).result()
    return made


def create(service, node_id: str = "run-1", **fields: object) -> vertex.Context:
    """Create a run's context."""
    return service.create_context(
        request={"parent": STORE, "context_id": node_id, "context": {**RUN, **fields}}
    )


@pytest.mark.parametrize(
    ("node_id", "fields"),
    [
        ("Run", {}),
        ("run", {}),
        ("run_1", {}),
        ("run-1", {"display_name": "x" * 129}),
        ("run-1", {"labels": {"Upper": "x"}}),
        ("run-1", {"labels": {"key": "x" * 65}}),
        ("run-1", {"labels": {f"k{i}": "" for i in range(65)}}),
        ("run-1", {"metadata": {"a": "x" * 210_000}}),
        ("run-1", {"metadata": {"a": {"b": [float("nan")]}}}),
    ],
)
def test_what_the_proto_forbids_is_invalid(metadata, node_id, fields):
    """IDs, lengths, labels, sizes, numbers that JSON does not know."""
    with pytest.raises(google_errors.InvalidArgument):
        create(metadata, node_id, **fields)


def test_a_write_over_somebody_elses_is_aborted(metadata):
    """An etag that is not the current one; without one the write is blind."""
    first = create(metadata, metadata={"a": 1})
    first.metadata = {"a": 2}
    second = metadata.update_context(context=first)
    with pytest.raises(google_errors.Aborted, match="does not match server"):
        metadata.update_context(context=first)
    first.etag = ""
    assert metadata.update_context(context=first).etag != second.etag


def test_missing_and_existing_names_are_told_apart(metadata):
    """NOT_FOUND and ALREADY_EXISTS, also of schemas and stores."""
    create(metadata)
    with pytest.raises(google_errors.AlreadyExists):
        create(metadata)
    with pytest.raises(google_errors.NotFound):
        metadata.get_context(name=f"{STORE}/contexts/none")
    with pytest.raises(google_errors.NotFound, match="schema"):
        create(metadata, "run-2", schema_title="of.my.own")


def test_lists_are_filtered_and_paged(metadata):
    """By attribute, metadata and parent; each page at most as long as was asked for."""
    parent = create(metadata, "parent", schema_title="system.Experiment")
    for i in range(5):
        child = create(metadata, f"run-{i}", metadata={"even": not i % 2, "n": i})
        metadata.add_context_children(context=parent.name, child_contexts=[child.name])

    def names(condition: str) -> list[str]:
        request = {"parent": STORE, "filter": condition, "page_size": 2}
        return [each.name[-1] for each in metadata.list_contexts(request=request)]

    assert names(f'parent_contexts:"{STORE}/contexts/parent"') == list("01234")
    assert names('schema_title="system.ExperimentRun" AND metadata.n.number_value=3') == ["3"]
    assert names("(metadata.even.bool_value=true OR metadata.n.number_value=1)") == list("0124")
    with pytest.raises(google_errors.MethodNotImplemented):
        names('display_name:"run*"')


def test_no_context_is_its_own_ancestor(metadata):
    """A cycle is refused."""
    first, second = create(metadata, "run-1"), create(metadata, "run-2")
    metadata.add_context_children(context=first.name, child_contexts=[second.name])
    with pytest.raises(google_errors.InvalidArgument, match="ancestor"):
        metadata.add_context_children(context=second.name, child_contexts=[first.name])


def test_versions_count_up_and_an_alias_is_one_versions(client):
    """The first is the default one; the only one cannot be deleted."""
    models = client(vertex.ModelServiceClient)
    name = f"{PARENT}/models/scam"
    models.upload_model(request={"parent": PARENT, "model": MODEL, "model_id": "scam"}).result()
    with pytest.raises(google_errors.FailedPrecondition, match="only version"):
        models.delete_model_version(name=f"{name}@1")
    again = {"parent": PARENT, "model": MODEL, "parent_model": name}
    assert models.upload_model(request=again).result().model_version_id == "2"
    for version in "12":
        models.merge_version_aliases(name=f"{name}@{version}", version_aliases=["champion"])
    found = {each.version_id: each for each in models.list_model_versions(name=name)}
    assert list(found["1"].version_aliases) == ["default"]
    assert list(found["2"].version_aliases) == ["champion"]
    assert models.get_model(name=f"{name}@champion").version_id == "2"
    for bad in ("Champion", "2", "a_b"):
        with pytest.raises(google_errors.InvalidArgument):
            models.merge_version_aliases(name=f"{name}@1", version_aliases=[bad])


def test_a_model_needs_an_image_and_a_bucket(client):
    """A custom model without a container, or with files elsewhere, is invalid."""
    models = client(vertex.ModelServiceClient)
    for model in ({"display_name": "x"}, {**MODEL, "artifact_uri": "file:///x"}):
        with pytest.raises(google_errors.InvalidArgument):
            models.upload_model(request={"parent": PARENT, "model": model, "model_id": "scam"})


def test_what_is_not_modelled_is_unimplemented(client):
    """A service, a method, a field: no answer is made up."""
    with pytest.raises(google_errors.MethodNotImplemented, match="does not model"):
        client(vertex.EndpointServiceClient).list_endpoints(parent=PARENT)
    with pytest.raises(google_errors.MethodNotImplemented):
        client(vertex.ModelServiceClient).list_models(parent=PARENT)
    with pytest.raises(google_errors.MethodNotImplemented, match="order_by"):
        client(vertex.PipelineServiceClient).list_pipeline_jobs(
            request={"parent": PARENT, "order_by": "create_time"}
        )


def test_the_sdk_reaches_nothing_but_loopback():
    """A test that forgot the stand-in fails instead of calling Google."""
    with loopback_only(), pytest.raises(ValueError, match="tried to reach"):
        grpc_helpers.create_channel("europe-west1-aiplatform.googleapis.com")
