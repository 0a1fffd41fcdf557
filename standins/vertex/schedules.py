"""Vertex AI's schedules; time does not pass here: a test lets one fire.

Source: the comments of google/cloud/aiplatform/v1/{schedule_service,schedule}.proto.
"""

import itertools
import re
from datetime import UTC, datetime
from typing import Any

from google.cloud.aiplatform_v1 import types
from google.longrunning.operations_pb2 import Operation
from google.protobuf.empty_pb2 import Empty

from standins.vertex import names
from standins.vertex.operations import OperationsService
from standins.vertex.pages import page
from standins.vertex.pipelines import PipelineService
from standins.vertex.refusals import invalid, not_found, precondition, unimplemented

State = types.Schedule.State
CRON = re.compile(r"((CRON_)?TZ=\S+ )?\S+( \S+){4}")


class ScheduleService:
    """google.cloud.aiplatform.v1.ScheduleService, for pipelines by cron.

    Args:
        pipelines: What is asked to run a job.
        operations: What keeps the results of deletions.
    """

    service = "google.cloud.aiplatform.v1.ScheduleService"

    def __init__(self, pipelines: PipelineService, operations: OperationsService) -> None:
        self._pipelines = pipelines
        self._operations = operations
        self._schedules: dict[str, Any] = {}
        self._numbers = itertools.count(1)

    def create_schedule(self, request: types.CreateScheduleRequest) -> types.Schedule:
        """ScheduleService.CreateSchedule: display_name, max_concurrent_run_count are required."""
        parent = names.check_location(request.parent)
        schedule = types.Schedule.pb(types.Schedule(request.schedule))
        names.check_display_name(schedule.display_name)
        if not schedule.display_name or schedule.max_concurrent_run_count < 1:
            raise invalid("display_name and max_concurrent_run_count are required")
        if not CRON.fullmatch(schedule.cron):
            raise invalid(f"cron must have five fields, got {schedule.cron!r}")
        asked = schedule.create_pipeline_job_request
        # "CreatePipelineJobRequest.parent field is required"
        if names.canonical(asked.parent) != parent:
            raise invalid(f"create_pipeline_job_request.parent must be {parent}")
        if asked.pipeline_job_id:
            raise unimplemented("a schedule whose runs have a fixed ID")
        self._pipelines.check(asked.pipeline_job, "given-by-the-service")
        schedule.name = f"{parent}/schedules/{next(self._numbers)}"
        schedule.state = State.ACTIVE
        schedule.create_time.FromDatetime(datetime.now(UTC))
        self._schedules[schedule.name] = schedule
        return types.Schedule(types.Schedule.wrap(schedule))

    def get_schedule(self, request: types.GetScheduleRequest) -> types.Schedule:
        """ScheduleService.GetSchedule."""
        return types.Schedule(types.Schedule.wrap(self._find(request.name)))

    def list_schedules(self, request: types.ListSchedulesRequest) -> types.ListSchedulesResponse:
        """ScheduleService.ListSchedules: by ``display_name="…"``, or all."""
        parent = names.check_location(request.parent)
        wanted = re.fullmatch(r'(?:display_name="([^"]*)")?', request.filter)
        if wanted is None or request.order_by:
            raise unimplemented(f"filter {request.filter!r}")
        inside = [
            each
            for name, each in self._schedules.items()
            if name.startswith(f"{parent}/") and wanted[1] in {None, each.display_name}
        ]
        found, token = page(inside, request)
        return types.ListSchedulesResponse(
            schedules=[types.Schedule(types.Schedule.wrap(each)) for each in found],
            next_page_token=token,
        )

    def delete_schedule(self, request: types.DeleteScheduleRequest) -> Operation:
        """ScheduleService.DeleteSchedule."""
        schedule = self._find(request.name)
        del self._schedules[schedule.name]
        return self._operations.done(schedule.name.partition("/schedules/")[0], Empty())

    def fire(self, name: str) -> str:
        """Let a schedule start a run now, and return the job's name."""
        schedule = self._find(name)
        if schedule.state != State.ACTIVE:
            raise precondition(f"{name} is not active")
        schedule.started_run_count += 1
        request = types.CreatePipelineJobRequest(
            types.CreatePipelineJobRequest.wrap(schedule.create_pipeline_job_request)
        )
        number = schedule.name.rpartition("/")[2]
        request.pipeline_job_id = f"schedule-{number}-{schedule.started_run_count}"
        return str(self._pipelines.create_pipeline_job(request).name)

    def _find(self, name: str) -> Any:
        full = names.canonical(name)
        if full not in self._schedules:
            raise not_found(full)
        return self._schedules[full]
