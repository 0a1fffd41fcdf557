"""Vertex ML Metadata as a store of documents: JSON beside what Vertex AI itself reads.

A node is a context or an artifact. Its document lies as text under ``_mlflow`` in its metadata:
numbers keep all their digits, tags may have any name, and nothing is merged key by key.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from google.api_core import exceptions as google_errors
from google.cloud.aiplatform_v1.types import Artifact, Context
from google.protobuf import json_format

from ucu_mlops.adapters.vertex_client import Vertex

DOCUMENT = "_mlflow"
STORE = "default"
SCHEMA_VERSION = "0.0.1"
PAGE = 1_000  # the most that a list answers with
ATTEMPTS = 20  # when somebody else always writes first

Document = dict[str, Any]


@dataclass(frozen=True)
class Node:
    """A context or an artifact.

    Attributes:
        id: Last part of its name.
        title: For people.
        metadata: All of it, the document as text.
        etag: Which state of it this is.
        uri: An artifact's place.
        parents: IDs of the contexts that a context belongs to.
        updated_ms: When it was last written, in milliseconds since 1970, UTC.
    """

    id: str
    title: str
    metadata: Mapping[str, Any]
    etag: str = ""
    uri: str = ""
    parents: tuple[str, ...] = ()
    updated_ms: int = 0

    @property
    def document(self) -> Document:
        """A copy of what was written under ``_mlflow``; empty where others made the node."""
        return dict(json.loads(self.metadata.get(DOCUMENT, "{}")))


def written(document: Document, **beside: Any) -> dict[str, Any]:
    """Return a node's metadata: a document, and what Vertex AI reads itself."""
    text = json.dumps(document, separators=(",", ":"), sort_keys=True)
    return {**beside, DOCUMENT: text}


class Nodes:
    """Nodes of one kind.

    Args:
        vertex: Where they are.
        kind: ``context`` or ``artifact``.
        schema: Title of the type of those that are made.
    """

    def __init__(self, vertex: Vertex, kind: str, schema: str) -> None:
        self._vertex = vertex
        self._kind = kind
        self._schema = schema
        self._message = {"context": Context, "artifact": Artifact}[kind]
        self._store = f"{vertex.parent}/metadataStores/{STORE}"

    def name(self, node_id: str) -> str:
        """Return a node's whole name."""
        return f"{self._store}/{self._kind}s/{node_id}"

    def find(self, node_id: str) -> Node | None:
        """Return a node, None if there is none."""
        try:
            found = self._vertex.ask(self._method("get"), name=self.name(node_id))
        except google_errors.NotFound:
            return None
        return self._read(found)

    def create(self, node: Node) -> bool:
        """Make a node; False if there is one of this ID already that says something else.

        One that says the same may be one's own, whose making was answered by nobody.
        """
        message = self._message(
            display_name=node.title[:128],
            schema_title=self._schema,
            schema_version=SCHEMA_VERSION,
            metadata=node.metadata,
            **({"uri": node.uri} if node.uri else {}),
        )
        request: dict[str, Any] = {
            "parent": self._store,
            f"{self._kind}_id": node.id,
            self._kind: message,
        }
        for _ in range(2):
            try:
                self._vertex.ask(self._method("create"), **request)
            except google_errors.AlreadyExists:
                found = self.find(node.id)
                return found is not None and found.document == node.document
            except google_errors.NotFound:
                self._make_store()
            else:
                return True
        raise google_errors.NotFound(f"{self._store} was made and is not there")

    def replace(self, node: Node) -> Node | None:
        """Write title and metadata; None if somebody else wrote since ``node`` was read.

        A lost answer looks the same: read it again and write what is still missing.
        """
        message = self._message(
            name=self.name(node.id),
            display_name=node.title[:128],
            metadata=node.metadata,
            etag=node.etag,
        )
        try:
            done = self._vertex.ask(
                self._method("update"),
                **{self._kind: message},
                update_mask={"paths": ["display_name", "metadata"]},
            )
        except google_errors.Aborted:
            return None
        return self._read(done)

    def change(self, node_id: str, how: Callable[[Node], Node]) -> Node | None:
        """Read a node, change it and write it back until nobody else came between.

        Args:
            node_id: Which one.
            how: Gives the changed node; called again if somebody did, so nothing but a function.

        Returns:
            The node as written, None if there is none.
        """
        for attempt in range(1, ATTEMPTS + 1):
            found = self.find(node_id)
            if found is None:
                return None
            if (done := self.replace(how(found))) is not None:
                return done
            self._vertex.pause(attempt)
        raise google_errors.Aborted(f"{self.name(node_id)} was written by others all the time")

    def list(self, condition: str) -> list[Node]:
        """Return the nodes of this schema that meet a condition, by page."""
        wanted = f'schema_title="{self._schema}"' + (f" AND {condition}" if condition else "")
        try:
            pages = self._vertex.ask(
                self._method("list", plural=True),
                parent=self._store,
                filter=wanted,
                page_size=PAGE,
            )
            return [self._read(each) for each in pages]
        except google_errors.NotFound:
            return []  # no store yet, so nothing in it

    def pause(self, attempt: int) -> None:
        """Wait, after others wrote, before writing again."""
        self._vertex.pause(attempt)

    def delete(self, node_id: str) -> None:
        """Delete an artifact, if it is there."""
        try:
            self._vertex.finish(self._vertex.ask(self._method("delete"), name=self.name(node_id)))
        except google_errors.NotFound:
            return

    def _method(self, verb: str, *, plural: bool = False) -> Any:
        return getattr(self._vertex.metadata, f"{verb}_{self._kind}{'s' if plural else ''}")

    def _make_store(self) -> None:
        try:
            self._vertex.finish(
                self._vertex.ask(
                    self._vertex.metadata.create_metadata_store,
                    parent=self._vertex.parent,
                    metadata_store_id=STORE,
                    metadata_store={},
                )
            )
        except google_errors.AlreadyExists:
            return

    def _read(self, message: Any) -> Node:
        raw = type(message).pb(message)
        return Node(
            id=raw.name.rpartition("/")[2],
            title=raw.display_name,
            metadata=json_format.MessageToDict(raw.metadata),
            etag=raw.etag,
            uri=getattr(raw, "uri", ""),
            parents=tuple(each.rpartition("/")[2] for each in getattr(raw, "parent_contexts", ())),
            updated_ms=raw.update_time.ToMilliseconds(),
        )


def with_document(node: Node, document: Document, **beside: Any) -> Node:
    """Return a node with another document; what lies beside it stays, or is replaced."""
    kept = {key: value for key, value in node.metadata.items() if key != DOCUMENT}
    return replace(node, metadata=written(document, **{**kept, **beside}))
