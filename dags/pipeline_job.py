"""A Vertex AI pipeline job that a run of a DAG starts once, however often its task is tried."""

import re
from collections.abc import Sequence
from typing import Any

from airflow.providers.google.cloud.operators.vertex_ai.pipeline_job import RunPipelineJobOperator
from airflow.providers.google.cloud.triggers.vertex_ai import RunPipelineJobTrigger
from airflow.sdk import Context
from airflow.sdk.exceptions import TaskDeferred
from google.api_core.exceptions import AlreadyExists, NotFound
from google.cloud.aiplatform_v1.types import PipelineState

LOST = {PipelineState.PIPELINE_STATE_FAILED, PipelineState.PIPELINE_STATE_CANCELLED}
LONGEST_ID = 128  # PipelineService.CreatePipelineJob


class PipelineJobOperator(RunPipelineJobOperator):
    """Attaches to the job that an earlier try of this task started, unless that one failed.

    A job's ID is made of the run's, so that an answer lost on the way starts no second job.
    """

    template_fields: Sequence[str] = (*RunPipelineJobOperator.template_fields, "job_id")

    def execute(self, context: Context) -> dict[str, Any]:
        """Start the job, or find the one that is under way, and wait without a worker's slot."""
        self.job_id = self._next_id(self.job_id)
        try:
            return super().execute(context)
        except AlreadyExists:
            self.log.info("job %s was started before; waiting for it", self.job_id)
            trigger = RunPipelineJobTrigger(
                conn_id=self.gcp_conn_id,
                project_id=self.project_id,
                location=self.region,
                job_id=self.job_id,
                poll_interval=self.poll_interval,
                impersonation_chain=self.impersonation_chain,
            )
            raise TaskDeferred(trigger=trigger, method_name="execute_complete") from None

    def _next_id(self, stem: str) -> str:
        """Return the first of stem-1, stem-2, … whose job does not exist or has not failed."""
        stem = re.sub(r"[^a-z0-9-]+", "-", stem.lower())[: LONGEST_ID - 4].strip("-")
        number = 1
        while self._state(f"{stem}-{number}") in LOST:
            number += 1
        return f"{stem}-{number}"

    def _state(self, job_id: str) -> PipelineState | None:
        try:
            job = self.hook.get_pipeline_job(
                project_id=self.project_id, region=self.region, pipeline_job_id=job_id
            )
        except NotFound:
            return None
        return job.state
