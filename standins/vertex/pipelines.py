"""Vertex AI Pipelines: jobs that are created, run, and perhaps cancelled.

Source: the comments of google/cloud/aiplatform/v1/{pipeline_service,pipeline_job}.proto.
"""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from google.cloud.aiplatform_v1 import types
from google.protobuf import json_format
from google.protobuf.empty_pb2 import Empty
from google.rpc.code_pb2 import CANCELLED, INTERNAL

from standins.vertex import names
from standins.vertex.pages import page
from standins.vertex.refusals import exists, invalid, not_found, precondition, unimplemented

# Given the job as the API writes it in JSON, and what is set when it is to stop; raises to fail.
Runner = Callable[[dict[str, Any], threading.Event], None]
State = types.PipelineState
ENDED = {
    State.PIPELINE_STATE_SUCCEEDED,
    State.PIPELINE_STATE_FAILED,
    State.PIPELINE_STATE_CANCELLED,
}


def succeed(_job: dict[str, Any], _stop: threading.Event) -> None:
    """Do nothing, which goes well."""


class PipelineService:
    """google.cloud.aiplatform.v1.PipelineService, as far as jobs are concerned.

    Args:
        runner: What a job does when it runs, in a thread of its own.
    """

    service = "google.cloud.aiplatform.v1.PipelineService"

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._jobs: dict[str, Any] = {}
        self._stops: dict[str, threading.Event] = {}
        self._threads: list[threading.Thread] = []
        self._lock = threading.RLock()

    def create_pipeline_job(self, request: types.CreatePipelineJobRequest) -> types.PipelineJob:
        """PipelineService.CreatePipelineJob: "A PipelineJob will run immediately when created"."""
        parent = names.check_location(request.parent)
        job = types.PipelineJob.pb(types.PipelineJob(request.pipeline_job))
        self.check(job, request.pipeline_job_id)
        name = f"{parent}/pipelineJobs/{request.pipeline_job_id}"
        with self._lock:
            if name in self._jobs:
                raise exists(name)
            job.name, job.state = name, State.PIPELINE_STATE_PENDING
            job.create_time.FromDatetime(datetime.now(UTC))
            self._jobs[name], self._stops[name] = job, threading.Event()
            answer = types.PipelineJob(types.PipelineJob.wrap(job))
        thread = threading.Thread(target=self._run, args=(name,), daemon=True)
        self._threads.append(thread)
        thread.start()
        return answer

    def get_pipeline_job(self, request: types.GetPipelineJobRequest) -> types.PipelineJob:
        """PipelineService.GetPipelineJob."""
        with self._lock:
            return types.PipelineJob(types.PipelineJob.wrap(self._find(request.name)))

    def list_pipeline_jobs(
        self, request: types.ListPipelineJobsRequest
    ) -> types.ListPipelineJobsResponse:
        """PipelineService.ListPipelineJobs: "default order is create time in descending order"."""
        parent = names.check_location(request.parent)
        if request.filter or request.order_by:
            raise unimplemented("filter and order_by of pipeline jobs")
        with self._lock:
            inside = [job for name, job in self._jobs.items() if name.startswith(f"{parent}/")]
            found, token = page(inside[::-1], request)
            jobs = [types.PipelineJob(types.PipelineJob.wrap(job)) for job in found]
        return types.ListPipelineJobsResponse(pipeline_jobs=jobs, next_page_token=token)

    def cancel_pipeline_job(self, request: types.CancelPipelineJobRequest) -> Empty:
        """PipelineService.CancelPipelineJob: "asynchronous cancellation … a best effort"."""
        with self._lock:
            job = self._find(request.name)
            if job.state in ENDED:
                raise precondition(f"{job.name} has ended")
            job.state = State.PIPELINE_STATE_CANCELLING
            self._stops[job.name].set()
        return Empty()

    def check(self, job: Any, job_id: str) -> None:
        """Refuse a job that lacks what is required, or whose ID or labels are none."""
        names.check_id(names.JOB_ID, job_id, "pipeline_job_id")
        names.check_display_name(job.display_name)
        names.check_labels(job.labels)
        if not job.runtime_config.gcs_output_directory.startswith("gs://"):
            raise invalid("runtime_config.gcs_output_directory is required: gs://…")
        if not job.pipeline_spec.fields:
            raise invalid("pipeline_spec is required (templates are not modelled)")
        self._check_parameters(json_format.MessageToDict(job.pipeline_spec), job.runtime_config)

    def lose(self, name: str) -> None:
        """Forget a job, as if its record had gone; what it does goes on."""
        with self._lock:
            del self._jobs[names.canonical(name)]

    def stop(self) -> None:
        """Cancel what runs and wait for its end."""
        for event in list(self._stops.values()):
            event.set()
        for thread in self._threads:
            thread.join()

    def _check_parameters(self, spec: dict[str, Any], runtime: Any) -> None:
        declared = spec["root"].get("inputDefinitions", {}).get("parameters", {})
        if unknown := sorted(set(runtime.parameter_values) - set(declared)):
            raise invalid(f"the pipeline has no parameter {unknown[0]!r}")

    def _find(self, name: str) -> Any:
        full = names.canonical(name)
        if full not in self._jobs:
            raise not_found(full)
        return self._jobs[full]

    def _run(self, name: str) -> None:
        with self._lock:
            job = self._jobs.get(name)
            if job is None:
                return
            if job.state == State.PIPELINE_STATE_PENDING:
                job.state = State.PIPELINE_STATE_RUNNING
            job.start_time.FromDatetime(datetime.now(UTC))
            written = json_format.MessageToDict(job)
        stop, failure = self._stops[name], None
        try:
            if not stop.is_set():
                self._runner(written, stop)
        except Exception as error:  # noqa: BLE001 (whatever a runner raises, its job failed)
            failure = str(error)
        with self._lock:
            self._end(job, failure, cancelled=stop.is_set())

    def _end(self, job: Any, failure: str | None, *, cancelled: bool) -> None:
        job.state = State.PIPELINE_STATE_SUCCEEDED
        if cancelled:
            job.state, job.error.code = State.PIPELINE_STATE_CANCELLED, CANCELLED
        elif failure is not None:
            job.state, job.error.code = State.PIPELINE_STATE_FAILED, INTERNAL
            job.error.message = failure
        job.end_time.FromDatetime(datetime.now(UTC))
