"""Long-running operations: done at once, or after they were looked at a few times."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc
from google.longrunning.operations_pb2 import (
    GetOperationRequest,
    ListOperationsRequest,
    ListOperationsResponse,
    Operation,
)

from standins.vertex import names
from standins.vertex.refusals import RefusalError, not_found, unimplemented


@dataclass
class Pending:
    """What happens when an operation ends, and how often it is looked at until then."""

    looks: int
    end: Callable[[], Any]


class OperationsService:
    """google.longrunning.Operations: the results of what was started."""

    service = "google.longrunning.Operations"

    def __init__(self) -> None:
        self._operations: dict[str, Operation] = {}
        self._pending: dict[str, Pending] = {}
        self._numbers = itertools.count(1)

    def done(self, parent: str, result: Any) -> Operation:
        """Keep a result (a protobuf message) and return the operation that answers with it."""
        return self.begin(parent, 0, lambda: result)

    def begin(self, parent: str, looks: int, end: Callable[[], Any]) -> Operation:
        """Begin what ends when it was looked at so often.

        Args:
            parent: Name of what it belongs to.
            looks: How many looks find it running.
            end: Returns the result (a protobuf message), or raises what it fails with.
        """
        name = f"{parent}/operations/{next(self._numbers)}"
        self._operations[name] = Operation(name=name)
        self._pending[name] = Pending(looks, end)
        return self._operations[name] if looks else self._looked(name)

    def get_operation(self, request: GetOperationRequest) -> Operation:
        """Operations.GetOperation."""
        if request.name not in self._operations:
            raise not_found(request.name)
        return self._looked(request.name)

    def list_operations(self, request: ListOperationsRequest) -> ListOperationsResponse:
        """Operations.ListOperations: those of "the operation's parent resource", unfiltered."""
        if request.filter:
            raise unimplemented("filter of operations")
        parent = names.canonical(request.name)
        inside = [each for each in self._operations if each.startswith(f"{parent}/operations/")]
        return ListOperationsResponse(operations=[self._operations[each] for each in inside])

    def _looked(self, name: str) -> Operation:
        operation, pending = self._operations[name], self._pending.get(name)
        if pending is not None and pending.looks:
            pending.looks -= 1
        elif pending is not None:
            del self._pending[name]
            operation.done = True
            try:
                operation.response.Pack(pending.end())
            except RefusalError as refusal:
                operation.error.code = grpc_number(refusal.code)
                operation.error.message = refusal.sentence
        return operation


def grpc_number(code: grpc.StatusCode) -> int:
    """Return a status code's number, as google.rpc.Status holds it."""
    return int(code.value[0])
