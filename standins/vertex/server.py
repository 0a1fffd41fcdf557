"""Serves the stand-in's services on loopback, with the faults that a test orders."""

import logging
import re
import threading
from collections.abc import Callable
from concurrent import futures
from dataclasses import dataclass
from typing import Any, get_type_hints

import grpc

from standins.vertex.endpoints import Containers, EndpointService, PredictionService, say_who
from standins.vertex.faults import Fault, Faults
from standins.vertex.metadata import MetadataService
from standins.vertex.models import ModelService
from standins.vertex.monitors import MonitoringService, MonitorScheduleService
from standins.vertex.operations import OperationsService
from standins.vertex.pipelines import PipelineService, Runner, succeed
from standins.vertex.refusals import RefusalError
from standins.vertex.schedules import ScheduleService

logger = logging.getLogger(__name__)
HOST = "127.0.0.1"


@dataclass(frozen=True)
class Method:
    """One method of a service: what it is given and what answers."""

    name: str
    request: Any
    answer: Callable[[Any], Any]


class StandIn(grpc.GenericRpcHandler):  # type: ignore[misc]  # grpc ships no types
    """Vertex AI in this process.

    Args:
        runner: What a pipeline job does when it runs.
        containers: Starts what answers for a deployed model.

    Attributes:
        faults: What goes wrong.
        address: ``127.0.0.1:PORT``, once started.
    """

    def __init__(self, runner: Runner = succeed, containers: Containers = say_who) -> None:
        self.faults = Faults()
        self.address = ""
        operations = OperationsService()
        self.pipelines = PipelineService(runner)
        self.schedules = ScheduleService(self.pipelines, operations)
        self.monitoring = MonitoringService(operations)
        models = ModelService(operations)
        self.endpoints = EndpointService(models, operations, containers)
        self.predictions = PredictionService(self.endpoints)
        self._methods: dict[str, Method] = {}
        self._lock = threading.RLock()
        for service in (
            operations,
            MetadataService(operations),
            models,
            self.endpoints,
            self.predictions,
            self.pipelines,
            self.schedules,
            self.monitoring,
            MonitorScheduleService(self.monitoring, operations),
        ):
            self._register(service)
        self._server: Any = None

    def start(self, port: int = 0) -> str:
        """Listen, and return the address."""
        self._server = grpc.server(futures.ThreadPoolExecutor(8))
        self._server.add_generic_rpc_handlers((self,))
        self.address = f"{HOST}:{self._server.add_insecure_port(f'{HOST}:{port}')}"
        self._server.start()
        return self.address

    def stop(self) -> None:
        """Answer nobody any more."""
        self.pipelines.stop()
        self._server.stop(None).wait()

    def service(self, call: Any) -> Any:
        """Find what answers a call; whatever is not modelled is UNIMPLEMENTED."""
        method = self._methods.get(call.method)

        def answer(raw: bytes, context: Any) -> bytes:
            if method is None:
                context.abort(
                    grpc.StatusCode.UNIMPLEMENTED, f"the stand-in does not model {call.method}"
                )
            return self._answer(method, raw, context)

        return grpc.unary_unary_rpc_method_handler(answer)

    def _answer(self, method: Any, raw: bytes, context: Any) -> bytes:
        fault = self.faults.of(method.name)
        if fault is not None and fault is not Fault.LOST:
            context.abort(fault.value, f"{method.name}: a fault that was ordered")
        try:
            with self._lock:
                answered = _written(method.answer(_read(method.request, raw)))
        except RefusalError as refusal:
            context.abort(refusal.code, refusal.sentence)
        if fault is Fault.LOST:
            context.abort(grpc.StatusCode.UNAVAILABLE, f"{method.name}: its answer was lost")
        return answered

    def _register(self, service: Any) -> None:
        for name, function in vars(type(service)).items():
            hints = get_type_hints(function) if callable(function) else {}
            if name.startswith("_") or "request" not in hints:
                continue
            camel = re.sub(r"(?:^|_)(\w)", lambda match: match[1].upper(), name)
            method = Method(camel, hints["request"], getattr(service, name))
            self._methods[f"/{service.service}/{camel}"] = method


def _read(kind: Any, raw: bytes) -> Any:
    return kind.deserialize(raw) if hasattr(kind, "deserialize") else kind.FromString(raw)


def _written(answer: Any) -> bytes:
    kind = type(answer)
    if hasattr(kind, "serialize"):
        return bytes(kind.serialize(answer))
    return bytes(answer.SerializeToString())
