"""Long-running operations: here each has ended when it is first asked for."""

import itertools
from typing import Any

from google.longrunning.operations_pb2 import GetOperationRequest, Operation

from standins.vertex.refusals import not_found


class OperationsService:
    """google.longrunning.Operations: the results of what was started."""

    service = "google.longrunning.Operations"

    def __init__(self) -> None:
        self._operations: dict[str, Operation] = {}
        self._numbers = itertools.count(1)

    def done(self, parent: str, result: Any) -> Operation:
        """Keep a result (a protobuf message) and return the operation that answers with it."""
        operation = Operation(name=f"{parent}/operations/{next(self._numbers)}", done=True)
        operation.response.Pack(result)
        self._operations[operation.name] = operation
        return operation

    def get_operation(self, request: GetOperationRequest) -> Operation:
        """Operations.GetOperation."""
        if request.name not in self._operations:
            raise not_found(request.name)
        return self._operations[request.name]
