"""Vertex AI Prediction: endpoints, what is deployed there, and requests to them.

Source: the comments of google/cloud/aiplatform/v1/{endpoint,endpoint_service,prediction_service,
machine_resources}.proto; cloud.google.com/vertex-ai/docs/predictions/using-dedicated-endpoints.
Which code an old etag gets is Google's API improvement proposal 154's (ABORTED), which one a taken
ID gets proposal 133's (ALREADY_EXISTS).
"""

import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from google.cloud.aiplatform_v1 import types
from google.longrunning.operations_pb2 import Operation
from google.protobuf import json_format

from standins.vertex import names
from standins.vertex.models import ModelService
from standins.vertex.operations import OperationsService
from standins.vertex.refusals import (
    aborted,
    exists,
    invalid,
    not_found,
    precondition,
    unimplemented,
)

# CreateEndpointRequest.endpoint_id; DeployedModel.id
ENDPOINT_ID = re.compile(r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?|[1-9][0-9]{0,8}")
DEPLOYED_ID = re.compile(r"[0-9]{1,10}")
WHOLE = 100

# What a container answers to a request's JSON; it refuses with a RefusalError.
Answerer = Callable[[dict[str, Any]], dict[str, Any]]
# Starts the container of a model's version; a RefusalError is a deployment that fails.
Containers = Callable[[Any], Answerer]


def say_who(model: Any) -> Answerer:
    """Start what answers each instance with its environment's variables: no model at all."""
    told = {each.name: each.value for each in model.container_spec.env}
    return lambda body: {"predictions": [told for _ in body["instances"]]}


class EndpointService:
    """google.cloud.aiplatform.v1.EndpointService, as far as traffic between versions goes.

    Args:
        models: What may be deployed.
        operations: Where deployments are waited for.
        containers: Starts what answers.

    Attributes:
        looks: How many looks find a deployment still running.
        containers: May be exchanged by a test.
    """

    service = "google.cloud.aiplatform.v1.EndpointService"

    def __init__(
        self, models: ModelService, operations: OperationsService, containers: Containers
    ) -> None:
        self._models, self._operations = models, operations
        self.containers, self.looks = containers, 1
        self.endpoints: dict[str, Any] = {}
        self.answerers: dict[tuple[str, str], Answerer] = {}
        self._taken: set[tuple[str, str]] = set()
        self._changes = 0

    def create_endpoint(self, request: types.CreateEndpointRequest) -> Operation:
        """EndpointService.CreateEndpoint, with an ID of one's own; nothing is deployed yet."""
        parent = names.check_location(request.parent)
        endpoint = types.Endpoint.pb(types.Endpoint(request.endpoint))
        names.check_display_name(endpoint.display_name)
        names.check_labels(endpoint.labels)
        names.check_id(ENDPOINT_ID, request.endpoint_id, "endpoint_id")
        if not endpoint.display_name:
            raise invalid("display_name is required")
        if endpoint.traffic_split or not endpoint.dedicated_endpoint_enabled:
            raise unimplemented("an endpoint that is not dedicated, or has traffic before models")
        name = f"{parent}/endpoints/{request.endpoint_id}"
        if name in self.endpoints:
            raise exists(name)
        endpoint.name = name
        region = parent.rpartition("/")[2]
        endpoint.dedicated_endpoint_dns = f"https://{request.endpoint_id}.{region}-{names.PROJECT_NUMBER}.prediction.vertexai.goog"
        endpoint.create_time.FromDatetime(datetime.now(UTC))
        self.endpoints[name] = endpoint
        self._changed(endpoint)
        return self._operations.done(name, endpoint)

    def get_endpoint(self, request: types.GetEndpointRequest) -> types.Endpoint:
        """EndpointService.GetEndpoint."""
        return types.Endpoint(types.Endpoint.wrap(self.find(request.name)))

    def update_endpoint(self, request: types.UpdateEndpointRequest) -> types.Endpoint:
        """EndpointService.UpdateEndpoint: shares "must add up to 100"; etag "for consistent …"."""
        given = types.Endpoint.pb(request.endpoint)
        endpoint = self.find(given.name)
        if list(request.update_mask.paths) != ["traffic_split"]:
            raise unimplemented(f"update of {list(request.update_mask.paths)} of an endpoint")
        if given.etag and given.etag != endpoint.etag:
            raise aborted(f"etag {given.etag} of {endpoint.name} is old")
        split = dict(given.traffic_split)
        if split and sum(split.values()) != WHOLE:
            raise invalid(f"traffic_split must add up to 100, got {split}")
        if unknown := sorted(set(split) - {each.id for each in endpoint.deployed_models}):
            raise invalid(f"traffic_split names {unknown[0]}, which is not deployed")
        endpoint.traffic_split.clear()
        endpoint.traffic_split.update(split)
        self._changed(endpoint)
        return types.Endpoint(types.Endpoint.wrap(endpoint))

    def deploy_model(self, request: types.DeployModelRequest) -> Operation:
        """EndpointService.DeployModel: traffic_split empty, so the endpoint's "is not updated"."""
        endpoint = self.find(request.endpoint)
        deployed = types.DeployedModel.pb(types.DeployedModel(request.deployed_model))
        if request.traffic_split:
            raise unimplemented("traffic at deployment")
        names.check_id(DEPLOYED_ID, deployed.id, "deployed_model.id")
        _check_resources(deployed)
        get = types.GetModelRequest(name=deployed.model)
        model = types.Model.pb(self._models.get_model(get))
        key = (endpoint.name, deployed.id)
        if key in self._taken:
            raise exists(f"{endpoint.name}: deployed model {deployed.id}")
        self._taken.add(key)
        deployed.model, deployed.model_version_id = model.name, model.version_id

        def end() -> Any:
            try:
                self.answerers[key] = self.containers(model)
            except BaseException:
                self._taken.discard(key)
                raise
            deployed.create_time.FromDatetime(datetime.now(UTC))
            endpoint.deployed_models.append(deployed)
            self._changed(endpoint)
            answer = types.DeployModelResponse(deployed_model=types.DeployedModel.wrap(deployed))
            return types.DeployModelResponse.pb(answer)

        return self._operations.begin(endpoint.name, self.looks, end)

    def undeploy_model(self, request: types.UndeployModelRequest) -> Operation:
        """EndpointService.UndeployModel: "only if it doesn't have any traffic assigned to it"."""
        endpoint, wanted = self.find(request.endpoint), request.deployed_model_id
        if request.traffic_split:
            raise unimplemented("traffic at the end of a deployment")
        if wanted not in {each.id for each in endpoint.deployed_models}:
            raise not_found(f"{endpoint.name}: deployed model {wanted}")
        if endpoint.traffic_split.get(wanted):
            raise precondition(f"deployed model {wanted} has traffic")

        def end() -> Any:
            kept = [each for each in endpoint.deployed_models if each.id != wanted]
            del endpoint.deployed_models[:]
            endpoint.deployed_models.extend(kept)
            self._taken.discard((endpoint.name, wanted))
            self.answerers.pop((endpoint.name, wanted), None)
            self._changed(endpoint)
            return types.UndeployModelResponse.pb(types.UndeployModelResponse())

        return self._operations.begin(endpoint.name, self.looks, end)

    def find(self, name: str) -> Any:
        """Return an endpoint by its name."""
        full = names.canonical(name)
        if full not in self.endpoints:
            raise not_found(full)
        return self.endpoints[full]

    def _changed(self, endpoint: Any) -> None:
        self._changes += 1
        endpoint.etag = f"e{self._changes}"


class PredictionService:
    """google.cloud.aiplatform.v1.PredictionService: Predict, by the endpoint's traffic.

    Args:
        endpoints: Who answers.

    Attributes:
        asked: Requests by deployment.
    """

    service = "google.cloud.aiplatform.v1.PredictionService"

    def __init__(self, endpoints: EndpointService) -> None:
        self._endpoints = endpoints
        self.asked: Counter[str] = Counter()

    def predict(self, request: types.PredictRequest) -> types.PredictResponse:
        """PredictionService.Predict: deployments take turns so that each gets its percentage."""
        endpoint = self._endpoints.find(request.endpoint)
        split = {each: share for each, share in endpoint.traffic_split.items() if share}
        if not split:
            raise unimplemented("requests to an endpoint without traffic")
        chosen = min(sorted(split), key=lambda each: self.asked[each] / split[each])
        self.asked[chosen] += 1
        told = json_format.MessageToDict(types.PredictRequest.pb(request))
        body = {key: told[key] for key in ("instances", "parameters") if key in told}
        answer = types.PredictResponse.pb(types.PredictResponse())
        json_format.ParseDict(self._endpoints.answerers[endpoint.name, chosen](body), answer)
        (deployed,) = (each for each in endpoint.deployed_models if each.id == chosen)
        answer.deployed_model_id, answer.model = deployed.id, deployed.model
        answer.model_version_id = deployed.model_version_id
        return types.PredictResponse.wrap(answer)


def _check_resources(deployed: Any) -> None:
    """DedicatedResources: min_replica_count at least 1; "at most one entry … per metric"."""
    if deployed.WhichOneof("prediction_resources") != "dedicated_resources":
        raise unimplemented("deployment on anything but dedicated resources")
    resources = deployed.dedicated_resources
    least, most = resources.min_replica_count, resources.max_replica_count
    if least < 1 or (most and most < least):
        raise invalid(f"replicas must be at least 1 and rise, got {least} to {most}")
    metrics = [each.metric_name for each in resources.autoscaling_metric_specs]
    if len(metrics) != len(set(metrics)):
        raise invalid(f"at most one entry is allowed per metric, got {metrics}")
