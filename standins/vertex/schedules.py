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


class Schedules:
    """What schedules of every version of the service have in common.

    Args:
        version: The messages of that version, such as ``aiplatform_v1.types``.
        operations: What keeps the results of deletions.
    """

    def __init__(self, version: Any, operations: OperationsService) -> None:
        self._types = version
        self._operations = operations
        self._schedules: dict[str, Any] = {}
        self._numbers = itertools.count(1)

    def checked(self, request: Any) -> tuple[str, Any]:
        """Return parent and schedule; display_name and max_concurrent_run_count are required."""
        parent = names.check_location(request.parent)
        schedule = self._types.Schedule.pb(self._types.Schedule(request.schedule))
        names.check_display_name(schedule.display_name)
        if not schedule.display_name or schedule.max_concurrent_run_count < 1:
            raise invalid("display_name and max_concurrent_run_count are required")
        if not CRON.fullmatch(schedule.cron):
            raise invalid(f"cron must have five fields, got {schedule.cron!r}")
        return parent, schedule

    def keep(self, parent: str, schedule: Any) -> Any:
        """Give a schedule its name and let it be active."""
        schedule.name = f"{parent}/schedules/{next(self._numbers)}"
        schedule.state = self._types.Schedule.State.ACTIVE
        schedule.create_time.FromDatetime(datetime.now(UTC))
        self._schedules[schedule.name] = schedule
        return self._wrapped(schedule)

    def listed(self, request: Any) -> Any:
        """Answer with those of a ``display_name="…"``, or all."""
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
        return self._types.ListSchedulesResponse(
            schedules=[self._wrapped(each) for each in found], next_page_token=token
        )

    def deleted(self, request: Any) -> Operation:
        """Forget one."""
        schedule = self.find(request.name)
        del self._schedules[schedule.name]
        return self._operations.done(schedule.name.partition("/schedules/")[0], Empty())

    def find(self, name: str) -> Any:
        """Return a schedule by its name."""
        full = names.canonical(name)
        if full not in self._schedules:
            raise not_found(full)
        return self._schedules[full]

    def _wrapped(self, schedule: Any) -> Any:
        return self._types.Schedule(self._types.Schedule.wrap(schedule))


class ScheduleService(Schedules):
    """google.cloud.aiplatform.v1.ScheduleService, for pipelines by cron.

    Args:
        pipelines: What is asked to run a job.
        operations: What keeps the results of deletions.
    """

    service = "google.cloud.aiplatform.v1.ScheduleService"

    def __init__(self, pipelines: PipelineService, operations: OperationsService) -> None:
        super().__init__(types, operations)
        self._pipelines = pipelines

    def create_schedule(self, request: types.CreateScheduleRequest) -> types.Schedule:
        """ScheduleService.CreateSchedule: display_name, max_concurrent_run_count are required."""
        parent, schedule = self.checked(request)
        asked = schedule.create_pipeline_job_request
        # "CreatePipelineJobRequest.parent field is required"
        if names.canonical(asked.parent) != parent:
            raise invalid(f"create_pipeline_job_request.parent must be {parent}")
        if asked.pipeline_job_id:
            raise unimplemented("a schedule whose runs have a fixed ID")
        self._pipelines.check(asked.pipeline_job, "given-by-the-service")
        kept: types.Schedule = self.keep(parent, schedule)
        return kept

    def get_schedule(self, request: types.GetScheduleRequest) -> types.Schedule:
        """ScheduleService.GetSchedule."""
        return types.Schedule(types.Schedule.wrap(self.find(request.name)))

    def list_schedules(self, request: types.ListSchedulesRequest) -> types.ListSchedulesResponse:
        """ScheduleService.ListSchedules: by ``display_name="…"``, or all."""
        found: types.ListSchedulesResponse = self.listed(request)
        return found

    def delete_schedule(self, request: types.DeleteScheduleRequest) -> Operation:
        """ScheduleService.DeleteSchedule."""
        return self.deleted(request)

    def fire(self, name: str) -> str:
        """Let a schedule start a run now, and return the job's name."""
        schedule = self.find(name)
        if schedule.state != State.ACTIVE:
            raise precondition(f"{name} is not active")
        schedule.started_run_count += 1
        request = types.CreatePipelineJobRequest(
            types.CreatePipelineJobRequest.wrap(schedule.create_pipeline_job_request)
        )
        number = schedule.name.rpartition("/")[2]
        request.pipeline_job_id = f"schedule-{number}-{schedule.started_run_count}"
        return str(self._pipelines.create_pipeline_job(request).name)
