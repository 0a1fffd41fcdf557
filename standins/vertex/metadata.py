"""Vertex ML Metadata: contexts and artifacts, read and written consistently by their etag.

Source: the comments of google/cloud/aiplatform/v1/{metadata_service,context,artifact}.proto.
"""

import itertools
import re
from datetime import UTC, datetime
from typing import Any

import grpc
from google.cloud.aiplatform_v1 import types
from google.longrunning.operations_pb2 import Operation
from google.protobuf.empty_pb2 import Empty

from standins.vertex import names
from standins.vertex.filters import Filter
from standins.vertex.operations import OperationsService
from standins.vertex.pages import page
from standins.vertex.refusals import (
    RefusalError,
    exists,
    invalid,
    not_found,
    unimplemented,
)

STORE = re.compile(r"(projects/[^/]+/locations/[^/]+)/metadataStores/([^/]+)")
# The types that every store has from the start (cloud.google.com/vertex-ai/docs/ml-metadata/
# system-schemas); others would have to be registered by CreateMetadataSchema, not modelled.
SCHEMAS = {
    "contexts": {
        "system.Experiment",
        "system.ExperimentRun",
        "system.Pipeline",
        "system.PipelineRun",
    },
    "artifacts": {"system.Artifact", "system.Dataset", "system.Model", "system.Metrics"},
}
PARENTS = 10  # "would … cause any Context to have more than 10 parents, the request will fail"
WRITABLE = ("display_name", "labels", "metadata", "description", "uri", "state")


class MetadataService:
    """google.cloud.aiplatform.v1.MetadataService, as far as experiments need it."""

    service = "google.cloud.aiplatform.v1.MetadataService"

    def __init__(self, operations: OperationsService) -> None:
        self._operations = operations
        self._stores: dict[str, Any] = {}
        self._nodes: dict[str, dict[str, Any]] = {"contexts": {}, "artifacts": {}}
        self._members: dict[str, set[str]] = {}
        self._etags = itertools.count(1)

    def create_metadata_store(self, request: types.CreateMetadataStoreRequest) -> Operation:
        """MetadataService.CreateMetadataStore: "Must be 4-128 characters in length"."""
        parent = names.check_location(request.parent)
        names.check_id(names.NODE_ID, request.metadata_store_id, "metadata_store_id")
        name = f"{parent}/metadataStores/{request.metadata_store_id}"
        if name in self._stores:
            raise exists(name)
        self._stores[name] = types.MetadataStore.pb(types.MetadataStore(name=name))
        return self._operations.done(parent, self._stores[name])

    def get_metadata_store(self, request: types.GetMetadataStoreRequest) -> types.MetadataStore:
        """MetadataService.GetMetadataStore."""
        name = names.canonical(request.name)
        if name not in self._stores:
            raise not_found(name)
        return types.MetadataStore.wrap(self._stores[name])

    def create_context(self, request: types.CreateContextRequest) -> types.Context:
        """MetadataService.CreateContext: "Must be unique across all Contexts"."""
        made = self._create("contexts", request.parent, request.context_id, request.context)
        return types.Context.wrap(made)

    def create_artifact(self, request: types.CreateArtifactRequest) -> types.Artifact:
        """MetadataService.CreateArtifact: "Must be unique across all Artifacts"."""
        made = self._create("artifacts", request.parent, request.artifact_id, request.artifact)
        return types.Artifact.wrap(made)

    def get_context(self, request: types.GetContextRequest) -> types.Context:
        """MetadataService.GetContext."""
        return types.Context.wrap(self._find("contexts", request.name))

    def get_artifact(self, request: types.GetArtifactRequest) -> types.Artifact:
        """MetadataService.GetArtifact."""
        return types.Artifact.wrap(self._find("artifacts", request.name))

    def update_context(self, request: types.UpdateContextRequest) -> types.Context:
        """MetadataService.UpdateContext; see :meth:`_update`."""
        return types.Context.wrap(self._update("contexts", request, request.context))

    def update_artifact(self, request: types.UpdateArtifactRequest) -> types.Artifact:
        """MetadataService.UpdateArtifact; see :meth:`_update`."""
        return types.Artifact.wrap(self._update("artifacts", request, request.artifact))

    def list_contexts(self, request: types.ListContextsRequest) -> types.ListContextsResponse:
        """MetadataService.ListContexts: filtered, in pages."""
        found, token = self._list("contexts", request)
        return types.ListContextsResponse(
            contexts=[types.Context.wrap(each) for each in found], next_page_token=token
        )

    def list_artifacts(self, request: types.ListArtifactsRequest) -> types.ListArtifactsResponse:
        """MetadataService.ListArtifacts: filtered, in pages."""
        found, token = self._list("artifacts", request)
        return types.ListArtifactsResponse(
            artifacts=[types.Artifact.wrap(each) for each in found], next_page_token=token
        )

    def list_executions(self, request: types.ListExecutionsRequest) -> types.ListExecutionsResponse:
        """MetadataService.ListExecutions: none, for CreateExecution is not modelled."""
        self._check_store(request.parent)
        return types.ListExecutionsResponse()

    def delete_artifact(self, request: types.DeleteArtifactRequest) -> Operation:
        """MetadataService.DeleteArtifact."""
        found = self._find("artifacts", request.name)
        if request.etag and request.etag != found.etag:
            raise _moved(found, request.etag)
        del self._nodes["artifacts"][found.name]
        for members in self._members.values():
            members.discard(found.name)
        return self._operations.done(found.name.partition("/metadataStores/")[0], Empty())

    def add_context_children(
        self, request: types.AddContextChildrenRequest
    ) -> types.AddContextChildrenResponse:
        """MetadataService.AddContextChildren: those that are children already are skipped.

        "If this call would create a cycle or cause any Context to have more than 10 parents, the
        request will fail with an INVALID_ARGUMENT error."
        """
        parent = self._find("contexts", request.context)
        children = [self._find("contexts", each) for each in request.child_contexts]
        for child in children:
            if parent.name in child.parent_contexts:
                continue
            if child.name in self._ancestors(parent) | {parent.name}:
                raise invalid(f"{child.name} would be its own ancestor")
            if len(child.parent_contexts) == PARENTS:
                raise invalid(f"{child.name} would have more than {PARENTS} parents")
        for child in children:
            if parent.name not in child.parent_contexts:
                child.parent_contexts.append(parent.name)
        return types.AddContextChildrenResponse()

    def add_context_artifacts_and_executions(
        self, request: types.AddContextArtifactsAndExecutionsRequest
    ) -> types.AddContextArtifactsAndExecutionsResponse:
        """MetadataService.AddContextArtifactsAndExecutions: those already added are skipped."""
        context = self._find("contexts", request.context)
        if request.executions:
            raise unimplemented("executions of a context")
        added = {self._find("artifacts", each).name for each in request.artifacts}
        self._members.setdefault(context.name, set()).update(added)
        return types.AddContextArtifactsAndExecutionsResponse()

    def _check_store(self, parent: str) -> str:
        name = names.canonical(parent)
        if not STORE.fullmatch(name):
            raise invalid(f"parent must be a metadata store, got {parent!r}")
        if name not in self._stores:
            raise not_found(name)
        return name

    def _create(self, kind: str, parent: str, node_id: str, given: Any) -> Any:
        store = self._check_store(parent)
        if not node_id:
            raise unimplemented(f"IDs that the service gives to {kind}")
        names.check_id(names.NODE_ID, node_id, f"the ID of {kind}")
        name = f"{store}/{kind}/{node_id}"
        node = type(given).pb(type(given)(given))
        # "Schema title and version is expected to be registered in earlier Create Schema calls."
        if node.schema_title not in SCHEMAS[kind] or node.schema_version != "0.0.1":
            raise not_found(f"schema {node.schema_title!r} {node.schema_version!r}")
        self._check(node)
        if name in self._nodes[kind]:
            raise exists(name)
        node.name = name
        node.create_time.FromDatetime(datetime.now(UTC))
        self._touch(node)
        self._nodes[kind][name] = node
        return node

    def _update(self, kind: str, request: Any, given: Any) -> Any:
        """Replace the fields of the mask, or all that may be written.

        "An eTag used to perform consistent read-modify-write updates. If not set, a blind
        "overwrite" update happens." One that does not match is ABORTED (aip.dev/154, and
        googleapis/python-aiplatform issue 1674).
        """
        if request.allow_missing:
            raise unimplemented("allow_missing")
        node = type(given).pb(given)
        found = self._find(kind, node.name)
        if node.etag and node.etag != found.etag:
            raise _moved(found, node.etag)
        known = {field.name for field in node.DESCRIPTOR.fields} & set(WRITABLE)
        paths = set(request.update_mask.paths) or known
        if not paths <= known:
            raise unimplemented(f"update of {sorted(paths - known)}")
        after = type(found)()
        after.CopyFrom(found)
        for path in sorted(paths):
            after.ClearField(path)
            source = type(found)()
            source.CopyFrom(node)
            for other in {field.name for field in source.DESCRIPTOR.fields} - {path}:
                source.ClearField(other)
            after.MergeFrom(source)
        self._check(after)
        self._touch(after)
        self._nodes[kind][found.name] = after
        return after

    def _find(self, kind: str, name: str) -> Any:
        full = names.canonical(name)
        if full not in self._nodes[kind]:
            raise not_found(full)
        return self._nodes[kind][full]

    def _list(self, kind: str, request: Any) -> Any:
        store = self._check_store(request.parent)
        if request.order_by:
            raise unimplemented("order_by")
        wanted = Filter(request.filter, self._related)
        found = [
            node
            for name, node in sorted(self._nodes[kind].items())
            if name.startswith(f"{store}/") and wanted.keeps(node)
        ]
        return page(found, request)

    def _related(self, relation: str, node: str, context: str) -> bool:
        if relation == "in_context":
            return node in self._members.get(context, set())
        return context in self._nodes["contexts"][node].parent_contexts

    def _ancestors(self, context: Any) -> set[str]:
        above = set(context.parent_contexts)
        for parent in context.parent_contexts:
            above |= self._ancestors(self._nodes["contexts"][parent])
        return above

    def _check(self, node: Any) -> None:
        names.check_display_name(node.display_name)
        names.check_labels(node.labels)
        names.check_struct(node.metadata)

    def _touch(self, node: Any) -> None:
        node.update_time.FromDatetime(datetime.now(UTC))
        node.etag = str(next(self._etags))


def _moved(found: Any, etag: str) -> RefusalError:
    return RefusalError(
        grpc.StatusCode.ABORTED,
        f"Specified `etag`: `{etag}` does not match server `etag`: `{found.etag}`",
    )
