"""Clients of Vertex AI: where it is, how long an answer is waited for, what is asked again."""

import os
import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import grpc
from google.api_core import exceptions as google_errors
from google.api_core.client_options import ClientOptions
from google.api_core.retry import Retry, if_exception_type
from google.auth.exceptions import DefaultCredentialsError
from google.cloud import aiplatform_v1 as vertex

from ucu_mlops.errors import ConfigurationError

Answer = TypeVar("Answer")

# As STORAGE_EMULATOR_HOST for Google's own client of Cloud Storage: HOST:PORT of a stand-in.
EMULATOR = "VERTEX_EMULATOR_HOST"
PROJECT = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]")
LOCATION = re.compile(r"[a-z]+-[a-z]+\d+")
# What may pass by itself: the service is away, overloaded, or the answer did not come in time.
PASSING = (
    google_errors.ServiceUnavailable,
    google_errors.DeadlineExceeded,
    google_errors.TooManyRequests,
    google_errors.InternalServerError,
)


@dataclass(frozen=True)
class Patience:
    """How often and how long Vertex AI is asked.

    Attributes:
        first_s: Longest wait before the second attempt; each is drawn between 0 and this.
        longest_s: Longest wait between two attempts.
        deadline_s: After this long nothing is tried again.
        attempt_s: How long one answer is waited for.
    """

    first_s: float = 0.2
    longest_s: float = 20.0
    deadline_s: float = 300.0
    attempt_s: float = 30.0

    def retry(self) -> Any:
        """Return Google's own retrying: exponential waits with full jitter."""
        return Retry(
            predicate=if_exception_type(*PASSING),
            initial=self.first_s,
            maximum=self.longest_s,
            timeout=self.deadline_s,
        )


class Vertex:
    """One project in one location.

    Args:
        project: Its ID.
        location: A region, such as ``europe-west1``.
        patience: How often and how long it is asked.

    Raises:
        ConfigurationError: Project or location is none.
    """

    def __init__(self, project: str, location: str, patience: Patience | None = None) -> None:
        if not PROJECT.fullmatch(project):
            raise ConfigurationError(f"{project!r} is no ID of a Google Cloud project")
        if not LOCATION.fullmatch(location):
            raise ConfigurationError(
                f"{location!r} is no location of Vertex AI, such as europe-west1"
            )
        self.patience = patience or Patience()
        self.parent = f"projects/{project}/locations/{location}"
        self._endpoint = f"{location}-aiplatform.googleapis.com"

    @cached_property
    def metadata(self) -> Any:
        """The client of Vertex ML Metadata."""
        return self._client(vertex.MetadataServiceClient)

    @cached_property
    def models(self) -> Any:
        """The client of the Model Registry."""
        return self._client(vertex.ModelServiceClient)

    @cached_property
    def endpoints(self) -> Any:
        """The client of the endpoints of Vertex AI Prediction."""
        return self._client(vertex.EndpointServiceClient)

    def predictions(self, host: str) -> Any:
        """Return the client that asks a dedicated endpoint, at its own host."""
        return self._client(vertex.PredictionServiceClient, host)

    @cached_property
    def pipelines(self) -> Any:
        """The client of Vertex AI Pipelines."""
        return self._client(vertex.PipelineServiceClient)

    @cached_property
    def schedules(self) -> Any:
        """The client of the schedules."""
        return self._client(vertex.ScheduleServiceClient)

    @cached_property
    def monitors(self) -> Any:
        """The client of Model Monitoring, a preview."""
        from google.cloud import aiplatform_v1beta1  # noqa: PLC0415 (a second's import)

        return self._client(aiplatform_v1beta1.ModelMonitoringServiceClient)

    @cached_property
    def monitor_schedules(self) -> Any:
        """The client of schedules that know monitoring jobs, a preview, too."""
        from google.cloud import aiplatform_v1beta1  # noqa: PLC0415 (a second's import)

        return self._client(aiplatform_v1beta1.ScheduleServiceClient)

    def ask(self, method: Callable[..., Answer], *, once: bool = False, **request: Any) -> Answer:
        """Call a method that may be called twice, again and again while its failures may pass.

        Args:
            method: Of one of the clients.
            once: Leave trying again to the caller.
            request: The request's fields.

        Raises:
            GoogleAPICallError: Vertex AI refused, or it stayed away past the deadline.
        """
        patience = self.patience
        retry = None if once else patience.retry()
        try:
            return method(request=request, retry=retry, timeout=patience.attempt_s)
        except google_errors.RetryError as error:
            # What it gave up on says more than that it gave up.
            raise (error.cause or error) from error

    def finish(self, operation: Any) -> Any:
        """Wait for a long-running operation and return its result."""
        return operation.result(timeout=self.patience.deadline_s, retry=self.patience.retry())

    def see_to(self, is_done: Callable[[], Answer | None], do: Callable[[], None]) -> Answer:
        """Do until it is done; what happened is looked up, not concluded from an answer.

        Args:
            is_done: Returns what is looked for, or nothing as long as it is not there.
            do: What is more than one request, or must not happen twice.

        Raises:
            GoogleAPICallError: Vertex AI refused, or it stayed away past the deadline.
        """
        end = time.monotonic() + self.patience.deadline_s
        attempt = 0
        while not (result := is_done()):
            attempt += 1
            try:
                do()
            except (*PASSING, google_errors.AlreadyExists):
                if time.monotonic() > end:
                    raise
                self.pause(attempt)
        return result

    def pause(self, attempt: int) -> None:
        """Wait before trying again what is more than one request; the first attempt is 1."""
        longest = min(self.patience.first_s * 2 ** (attempt - 1), self.patience.longest_s)
        time.sleep(random.uniform(0.0, longest))  # noqa: S311 (jitter)

    def _client(self, kind: Any, host: str | None = None) -> Any:
        try:
            if emulator := os.environ.get(EMULATOR):
                channel = grpc.insecure_channel(emulator)
                return kind(transport=kind.get_transport_class("grpc")(channel=channel))
            return kind(client_options=ClientOptions(api_endpoint=host or self._endpoint))
        except DefaultCredentialsError as error:
            raise ConfigurationError(
                "there are no credentials for Google Cloud; run"
                " gcloud auth application-default login"
            ) from error
