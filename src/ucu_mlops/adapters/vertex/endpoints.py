"""A model's endpoint on Vertex AI: what is deployed there, and who gets how many requests.

Nothing of it may be asked for twice, so whatever went wrong is looked up, not concluded from an
answer that did not come. Sources: the comments of
google/cloud/aiplatform/v1/{endpoint,endpoint_service}.proto.
"""

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from google.api_core import exceptions as google_errors
from google.longrunning.operations_pb2 import GetOperationRequest, ListOperationsRequest

from ucu_mlops.adapters.vertex.endpoint_options import EndpointOptions
from ucu_mlops.adapters.vertex_client import PASSING, Vertex
from ucu_mlops.adapters.vertex_mlflow.names import model_id
from ucu_mlops.errors import CloudError, ReleaseError

ATTEMPTS = 10
LOOK_S = 15.0  # between two looks at an operation: a deployment takes minutes
METRICS = {
    "cpu": "aiplatform.googleapis.com/prediction/online/cpu/utilization",
    "accelerator": "aiplatform.googleapis.com/prediction/online/accelerator/duty_cycle",
}


@dataclass(frozen=True)
class Seen:
    """An endpoint at one moment.

    Attributes:
        host: Where it is asked.
        etag: Changes with it.
        deployed: What is deployed, oldest first: ID and name of the model's version.
        split: Percent of the requests, by ID of a deployment.
    """

    host: str
    etag: str
    deployed: tuple[tuple[str, str], ...]
    split: Mapping[str, int]


class ModelEndpoint:
    """The endpoint of one model; its ID is the model's name.

    Args:
        vertex: Where it is.
        model: The model's name.
        options: What serves the model.
    """

    def __init__(self, vertex: Vertex, model: str, options: EndpointOptions) -> None:
        self._vertex, self._model, self._options = vertex, model, options
        self.id = model_id(model).replace("_", "-")
        self.name = f"{vertex.parent}/endpoints/{self.id}"

    def make(self) -> None:
        """Make it unless it is there."""
        endpoint = {"display_name": self._model, "dedicated_endpoint_enabled": True}

        def found() -> Any:
            try:
                return self._ask("get_endpoint", name=self.name)
            except google_errors.NotFound:
                return None

        def make() -> None:
            parent = self._vertex.parent
            self._ask("create_endpoint", parent=parent, endpoint=endpoint, endpoint_id=self.id)
            self.settle()

        self._vertex.see_to(found, make)

    def look(self) -> Seen:
        """Return what is there now."""
        told = self._ask("get_endpoint", name=self.name)
        deployed = sorted(told.deployed_models, key=lambda each: (each.create_time, each.id))
        return Seen(
            told.dedicated_endpoint_dns.removeprefix("https://"),
            told.etag,
            tuple((each.id, _version_name(each)) for each in deployed),
            {each: share for each, share in told.traffic_split.items() if share},
        )

    def deployment_id(self, version: str) -> str:
        """Name a deployment by all that it is, so that asking twice makes no second one.

        Args:
            version: Name of the model's version.
        """
        said = json.dumps([version, self._deployed(version)], sort_keys=True).encode()
        return str(10**9 + int(hashlib.sha256(said).hexdigest(), 16) % (9 * 10**9))

    def deploy(self, version: str) -> None:
        """Begin to deploy a version, without requests; :meth:`settle` waits for it."""
        deployed = {"id": self.deployment_id(version), **self._deployed(version)}
        self._once("deploy_model", google_errors.AlreadyExists, deployed_model=deployed)

    def undeploy(self, deployment: str) -> None:
        """Begin to take a deployment off."""
        self._once("undeploy_model", google_errors.NotFound, deployed_model_id=deployment)

    def shift(self, seen: Seen, split: Mapping[str, int]) -> None:
        """Change who gets how many requests.

        Args:
            seen: The endpoint that this was decided for.
            split: Percent by ID of a deployment.

        Raises:
            ReleaseError: Somebody else changed the endpoint meanwhile; nothing was changed.
        """
        wanted = {"name": self.name, "traffic_split": dict(split), "etag": seen.etag}
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._vertex.ask(
                    self._vertex.endpoints.update_endpoint,
                    once=True,
                    endpoint=wanted,
                    update_mask={"paths": ["traffic_split"]},
                )
            except (*PASSING, google_errors.Aborted, google_errors.FailedPrecondition):
                now = self.look()
                if now.split == {each: share for each, share in split.items() if share}:
                    return
                if now.etag != seen.etag:
                    raise ReleaseError(
                        f"somebody else changes endpoint {self.id} at the same time; wait for them,"
                        f" then give the command again: kedro release deploy {self._model}"
                    ) from None
                if attempt == ATTEMPTS:
                    raise
                self._vertex.pause(attempt)
            else:
                return

    def settle(self) -> None:
        """Wait until nothing is under way at the endpoint, whoever began it.

        Raises:
            CloudError: It takes longer than ``deploy_s``.
        """
        end, pause = time.monotonic() + self._options.deploy_s, self._vertex.patience.first_s
        for name in self._running():
            while not self._finished(name):
                if time.monotonic() > end:
                    raise CloudError(
                        f"{name} is not done after {self._options.deploy_s:g} seconds; give the"
                        " command again to go on waiting"
                    )
                time.sleep(pause)
                pause = min(2 * pause, LOOK_S)

    def _finished(self, name: str) -> bool:
        told = self._operations("get_operation", GetOperationRequest(name=name))
        if told.done and told.error.code:
            said = " ".join(told.error.message.split())
            raise CloudError(f"endpoint {self.id}: {said}; the logs of its containers say more")
        return bool(told.done)

    def _running(self) -> Iterator[str]:
        token = ""
        while True:
            asked = ListOperationsRequest(name=self.name, page_token=token)
            page = self._operations("list_operations", asked)
            yield from [each.name for each in page.operations if not each.done]
            token = page.next_page_token
            if not token:
                return

    def _deployed(self, version: str) -> dict[str, Any]:
        options = self._options
        machine: dict[str, Any] = {"machine_type": options.machine}
        if options.accelerator is not None:
            machine["accelerator_type"] = options.accelerator
            machine["accelerator_count"] = options.accelerators
        scaling = options.autoscaling
        return {
            "model": version,
            "display_name": f"{self._model} {version.rpartition('/')[2]}",
            "service_account": options.service_account,
            "dedicated_resources": {
                "machine_spec": machine,
                "min_replica_count": options.replicas.least,
                "max_replica_count": options.replicas.most,
                "autoscaling_metric_specs": [
                    {"metric_name": METRICS[scaling.metric], "target": scaling.percent}
                ],
            },
        }

    def _once(self, method: str, is_done: type[Exception], **request: Any) -> None:
        """Ask once; what became of it is seen by the next look."""
        asked = getattr(self._vertex.endpoints, method)
        try:
            self._vertex.ask(asked, once=True, endpoint=self.name, **request)
        except is_done:
            return
        except PASSING:
            self._vertex.pause(1)

    def _ask(self, method: str, **request: Any) -> Any:
        return self._vertex.ask(getattr(self._vertex.endpoints, method), **request)

    def _operations(self, method: str, request: Any) -> Any:
        patience = self._vertex.patience
        asked = getattr(self._vertex.endpoints, method)
        return asked(request, retry=patience.retry(), timeout=patience.attempt_s)


def _version_name(deployed: Any) -> str:
    return f"{deployed.model.partition('@')[0]}@{deployed.model_version_id}"
