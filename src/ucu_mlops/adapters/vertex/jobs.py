"""Compiled pipelines on Vertex AI: submitted once, watched, cancelled."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from google.api_core import exceptions as google_errors
from google.auth.exceptions import GoogleAuthError
from google.cloud.aiplatform_v1 import PipelineJob, PipelineState
from google.protobuf import json_format

from ucu_mlops.adapters.vertex_client import Vertex
from ucu_mlops.errors import CloudError, ConfigurationError, TaskError

ID = re.compile(r"[a-z][a-z0-9-]{0,126}")
PREFIX = "PIPELINE_STATE_"
ENDED = frozenset({"succeeded", "failed", "cancelled"})
PAGE = 20
FIRST_LOOK_S, LOOK_S = 1.0, 30.0  # a container alone takes minutes to start


@dataclass(frozen=True)
class Job:
    """One run of a pipeline.

    Attributes:
        id: Last part of its name.
        pipeline: Which pipeline.
        state: ``pending``, ``running``, ``succeeded``, ``failed``, ``cancelling`` or ``cancelled``.
        parameters: What it was given.
        failure: What Vertex AI says of its failure; empty if it did not fail.
    """

    id: str
    pipeline: str
    state: str
    parameters: Mapping[str, Any]
    failure: str

    @property
    def has_ended(self) -> bool:
        """Whether its state is its last."""
        return self.state in ENDED

    def line(self) -> str:
        """Describe it in one line."""
        given = " ".join(f"{name}={value}" for name, value in sorted(self.parameters.items()))
        return " ".join(each for each in (self.id, self.state, given, self.failure) if each)


class Jobs:
    """Jobs of one project and location.

    Args:
        vertex: Where they run.
    """

    def __init__(self, vertex: Vertex) -> None:
        self._vertex = vertex

    def submit(self, compiled: Mapping[str, Any], params: Mapping[str, Any], job_id: str) -> Job:
        """Start a job, or find the one of this ID that was started before.

        Args:
            compiled: What ``kedro vertex compile`` wrote.
            params: The run's parameters, checked and typed.
            job_id: The ID: whoever asks twice for the same names it the same.

        Raises:
            CloudError: Vertex AI refused or stayed away.
            ConfigurationError: The ID is none, or belongs to a run of something else.
        """
        check_id(job_id)
        job = pipeline_job(compiled, params)
        with asking("submit"):
            try:
                made = self._vertex.ask(
                    self._vertex.pipelines.create_pipeline_job,
                    parent=self._vertex.parent,
                    pipeline_job=job,
                    pipeline_job_id=job_id,
                )
            except google_errors.AlreadyExists:
                # Somebody's, or one's own, whose start was answered by nobody.
                made = None
        found = self.find(job_id) if made is None else _read(made)
        asked = _read(job)
        if found is None or (found.pipeline, found.parameters) != (
            asked.pipeline,
            asked.parameters,
        ):
            raise ConfigurationError(
                f"job {job_id} exists and runs something else: {found}; choose another --job"
            )
        return found

    def find(self, job_id: str) -> Job | None:
        """Return a job, None if Vertex AI knows of none.

        Raises:
            CloudError: Vertex AI refused or stayed away.
        """
        check_id(job_id)
        with asking("tell the status"):
            try:
                found = self._vertex.ask(
                    self._vertex.pipelines.get_pipeline_job, name=self._name(job_id)
                )
            except google_errors.NotFound:
                return None
        return _read(found)

    def known(self, job_id: str) -> Job:
        """Return a job.

        Raises:
            CloudError: Vertex AI refused or stayed away.
            TaskError: There is no such job.
        """
        found = self.find(job_id)
        if found is None:
            raise TaskError(
                f"Vertex AI knows of no job {job_id} in {self._vertex.parent};"
                " see kedro vertex status for those it knows"
            )
        return found

    def latest(self) -> list[Job]:
        """Return the jobs that were started last, the last one first.

        Raises:
            CloudError: Vertex AI refused or stayed away.
        """
        with asking("tell the status"):
            pages = self._vertex.ask(
                self._vertex.pipelines.list_pipeline_jobs,
                parent=self._vertex.parent,
                page_size=PAGE,
            )
            # Only the first page: a list of all that ever ran helps nobody.
            return [_read(each) for each in next(iter(pages.pages)).pipeline_jobs]

    def cancel(self, job_id: str) -> Job:
        """Ask for a job's end; one that has ended stays as it is.

        Raises:
            CloudError: Vertex AI refused or stayed away.
            TaskError: There is no such job.
        """
        found = self.known(job_id)
        if found.has_ended:
            return found
        with asking("cancel"):
            try:
                self._vertex.ask(
                    self._vertex.pipelines.cancel_pipeline_job, name=self._name(job_id)
                )
            except google_errors.FailedPrecondition:
                # It ended between the question and the request.
                return self.known(job_id)
        return self.known(job_id)

    def wait(self, job_id: str, look_s: float = LOOK_S) -> Job:
        """Wait until a job has ended well.

        Args:
            job_id: Which job.
            look_s: Most seconds between two looks; the first are closer.

        Raises:
            CloudError: Vertex AI refused or stayed away.
            TaskError: It failed, was cancelled, or Vertex AI does not know of it any more.
        """
        pause = min(FIRST_LOOK_S, look_s)
        while not (found := self.known(job_id)).has_ended:
            time.sleep(pause)
            pause = min(2 * pause, look_s)
        if found.state != "succeeded":
            raise TaskError(f"job {found.line()}; its logs are in the console of Vertex AI")
        return found

    def _name(self, job_id: str) -> str:
        return f"{self._vertex.parent}/pipelineJobs/{job_id}"


def pipeline_job(compiled: Mapping[str, Any], params: Mapping[str, Any]) -> PipelineJob:
    """Return the job of a compiled file with the run's parameters.

    Raises:
        ConfigurationError: The file is no job.
    """
    runtime = {**compiled.get("runtimeConfig", {}), "parameterValues": dict(params)}
    try:
        parsed = json_format.ParseDict(
            {**compiled, "runtimeConfig": runtime}, PipelineJob.pb(PipelineJob())
        )
    except json_format.ParseError as error:
        said = " ".join(str(error).split())
        raise ConfigurationError(
            f"the compiled file is no job: {said}; compile it again with kedro vertex compile"
        ) from error
    return PipelineJob.wrap(parsed)


def check_id(job_id: str) -> None:
    """Refuse what cannot be a job's ID.

    Raises:
        ConfigurationError: It is none.
    """
    if not ID.fullmatch(job_id):
        raise ConfigurationError(
            f"a job's ID has lower case letters, digits and dashes, a letter first, at most 127;"
            f" got {job_id!r}"
        )


@contextmanager
def asking(what: str) -> Iterator[None]:
    """Say in one line what Vertex AI did not do, and why.

    Raises:
        CloudError: It refused or stayed away.
    """
    try:
        yield
    except (google_errors.GoogleAPIError, GoogleAuthError) as error:
        said = " ".join(str(error).split())
        raise CloudError(f"Vertex AI did not {what}: {type(error).__name__}: {said}") from error


def start_id(pipeline: str, second: str) -> str:
    """Name a job after its pipeline and a moment, as ``scam-daily-20260401063000``."""
    return f"{re.sub(r'[^a-z0-9]+', '-', pipeline.lower()).strip('-')}-{second}"


def _read(message: PipelineJob) -> Job:
    raw = PipelineJob.pb(message)
    values: Callable[[Any], Any] = json_format.MessageToDict
    return Job(
        id=raw.name.rpartition("/")[2],
        pipeline=raw.display_name,
        state=PipelineState(raw.state).name.removeprefix(PREFIX).lower(),
        parameters={
            name: values(value) for name, value in raw.runtime_config.parameter_values.items()
        },
        failure=" ".join(raw.error.message.split()),
    )
