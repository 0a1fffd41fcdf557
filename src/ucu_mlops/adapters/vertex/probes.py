"""Real requests to an endpoint, until the champion has answered often enough."""

import base64
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from google.api_core import exceptions as google_errors
from google.cloud.aiplatform_v1 import PredictRequest
from google.protobuf import json_format

from ucu_mlops.adapters.vertex.endpoint_options import ProbeOptions
from ucu_mlops.adapters.vertex_client import Vertex
from ucu_mlops.bundle.manifest import Manifest
from ucu_mlops.bundle.predict import Predictor
from ucu_mlops.bundle.rows import row_inputs
from ucu_mlops.bundle.store import Bundle
from ucu_mlops.errors import ReleaseError

SIDE, GREY = 64, 128
NEAR = 1e-3  # another processor's last digits, and no other model
# What the front itself says when it has no room or a machine is changed; no answer of a version.
FRONTS = (google_errors.ServiceUnavailable, google_errors.TooManyRequests)


@dataclass(frozen=True)
class Asker:
    """Asks one endpoint as a caller would.

    Attributes:
        vertex: Where it is.
        name: The endpoint's name.
        bundle: The champion.
        options: When it counts as answering.
    """

    vertex: Vertex
    name: str
    bundle: Bundle
    options: ProbeOptions

    def probe(self, host: str, deployment: str) -> None:
        """Ask until the champion's deployment has answered, and look at what it says.

        Args:
            host: Where the endpoint is asked.
            deployment: ID of the champion's deployment; Vertex AI sends the others' share elsewhere
                and says who answered.

        Raises:
            ReleaseError: A request failed, an answer is none, or too few came from the champion.
        """
        manifest, wanted = self.bundle.manifest, self.options.answers
        expected = None if manifest.takes_pictures else _answers_here(self.bundle)
        client, request = self.vertex.predictions(host), self._request(manifest)
        answers = 0
        for attempt in range(1, self.options.requests + 1):
            said = self._asked(client, request, attempt)
            if said is not None and said.deployed_model_id == deployment:
                self._check(json_format.MessageToDict(type(said).pb(said)), expected)
                answers += 1
            if answers == wanted:
                return
        raise ReleaseError(
            f"version {self.bundle.version} gave {answers} of {wanted} answers to"
            f" {self.options.requests} requests"
        )

    def _asked(self, client: Any, request: PredictRequest, attempt: int) -> Any:
        endpoint = self.name.rpartition("/")[2]
        try:
            return client.predict(
                request=request,
                retry=None,
                timeout=self.options.answer_s,
                # "For gRPC requests, the x-vertex-ai-endpoint-id header must be included".
                metadata=[("x-vertex-ai-endpoint-id", endpoint)],
            )
        except FRONTS:
            self.vertex.pause(min(attempt, 5))
            return None
        except google_errors.GoogleAPICallError as error:
            said = " ".join(str(error).split())
            raise ReleaseError(f"a request failed: {type(error).__name__}: {said}") from error

    def _request(self, manifest: Manifest) -> PredictRequest:
        raw: dict[str, Any] = {"endpoint": self.name, "instances": [_instance(manifest)]}
        return PredictRequest.wrap(json_format.ParseDict(raw, PredictRequest.pb(PredictRequest())))

    def _check(self, said: dict[str, Any], expected: Sequence[float] | None) -> None:
        names = [label.name for label in self.bundle.manifest.labels]
        try:
            (prediction,) = said["predictions"]
            version = prediction["version"]
            found = [float(prediction["labels"][name]["probability"]) for name in names]
        except (KeyError, TypeError, ValueError) as error:
            raise ReleaseError(f"an answer is none: {said}") from error
        if version != self.bundle.version:
            raise ReleaseError(f"version {version} answers in place of {self.bundle.version}")
        if not all(0 <= each <= 1 for each in found):
            raise ReleaseError(f"{found} are no probabilities")
        if expected is not None and any(
            abs(there - here) > NEAR for there, here in zip(found, expected, strict=True)
        ):
            raise ReleaseError(f"the endpoint answers {found}, the same bundle here {expected}")


def _instance(manifest: Manifest) -> dict[str, Any]:
    """Return somebody of whom nothing is known, or a grey picture."""
    if manifest.takes_pictures:
        return {"image": {"b64": base64.b64encode(grey_picture()).decode()}}
    return {"features": {each.name: None for each in manifest.features}}


def _answers_here(bundle: Bundle) -> list[float]:
    features = bundle.manifest.features
    inputs = row_inputs([[None] * len(features)], features)
    return [float(each) for each in Predictor(bundle).predict_inputs(inputs)[0]]


def grey_picture() -> bytes:
    """Draw a PNG without a library of pictures."""
    rows = (b"\0" + bytes([GREY]) * SIDE) * SIDE
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 0, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )
