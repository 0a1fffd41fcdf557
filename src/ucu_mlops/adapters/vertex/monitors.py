"""Monitors of Vertex Model Monitoring, and the schedules by which they look."""

from dataclasses import dataclass
from typing import Any

from google.api_core import exceptions as google_errors
from google.cloud.aiplatform_v1beta1 import ModelMonitor, Schedule
from google.protobuf import json_format

from ucu_mlops.adapters.vertex.jobs import asking
from ucu_mlops.adapters.vertex.monitor_plan import MonitorPlan
from ucu_mlops.adapters.vertex.schedules import check_cron
from ucu_mlops.adapters.vertex_client import PASSING, Vertex
from ucu_mlops.errors import CloudError

ATTEMPTS = 10


@dataclass(frozen=True)
class Watched:
    """What became of a plan.

    Attributes:
        monitor: Name of the monitor.
        schedule: Name of its schedule.
        retired: Schedules of the model that were deleted; their monitors keep what they found.
    """

    monitor: str
    schedule: str
    retired: tuple[str, ...]


class Monitors:
    """Monitors of one project and location.

    Args:
        vertex: Where they are.
    """

    def __init__(self, vertex: Vertex) -> None:
        self._vertex = vertex

    def watch(self, plan: MonitorPlan) -> Watched:
        """Make the monitor and its schedule, then retire the model's others; again changes nothing.

        Raises:
            CloudError: Vertex AI refused or stayed away; what looked before still looks.
            ConfigurationError: ``cron`` has not five fields.
        """
        check_cron(plan.cron)
        with asking("watch"):
            name = f"{self._vertex.parent}/modelMonitors/{plan.monitor_id}"
            self._make_monitor(plan, name)
            schedule = self._make_schedule(plan, name)
            retired = [each.name for each in self._titled(plan.title) if each.name != schedule]
            for old in retired:
                self._retire(old)
        return Watched(name, schedule, tuple(retired))

    def _make_monitor(self, plan: MonitorPlan, name: str) -> None:
        monitor = json_format.ParseDict(plan.monitor, ModelMonitor.pb(ModelMonitor()))
        try:
            made = self._vertex.ask(
                self._vertex.monitors.create_model_monitor,
                parent=self._vertex.parent,
                model_monitor=ModelMonitor.wrap(monitor),
                model_monitor_id=plan.monitor_id,
            )
        except google_errors.AlreadyExists:
            # The ID says the content: it is this one, made before, or by a start whose answer was
            # lost. A start that failed leaves none, and is found out here.
            self._vertex.ask(self._vertex.monitors.get_model_monitor, name=name)
        else:
            self._vertex.finish(made)

    def _make_schedule(self, plan: MonitorPlan, monitor: str) -> str:
        """Make it unless it is there: a second one would look, and alert, twice."""
        schedule = json_format.ParseDict(
            {
                "displayName": plan.title,
                "cron": plan.cron,
                "maxConcurrentRunCount": "1",
                "createModelMonitoringJobRequest": {
                    "parent": monitor,
                    "modelMonitoringJob": {
                        "displayName": plan.title,
                        "modelMonitoringSpec": plan.spec,
                    },
                },
            },
            Schedule.pb(Schedule()),
        )
        for attempt in range(1, ATTEMPTS + 1):
            for each in self._titled(plan.title):
                if _last(each.create_model_monitoring_job_request.parent) == _last(monitor) and (
                    each.cron == plan.cron
                ):
                    return str(each.name)
            try:
                made = self._vertex.ask(
                    self._vertex.monitor_schedules.create_schedule,
                    once=True,
                    parent=self._vertex.parent,
                    schedule=Schedule.wrap(schedule),
                )
                return str(made.name)
            except PASSING:
                self._vertex.pause(attempt)
        raise CloudError(
            f"Vertex AI did not schedule {monitor} in {ATTEMPTS} attempts; give the command again"
        )

    def _titled(self, title: str) -> list[Any]:
        pages = self._vertex.ask(
            self._vertex.monitor_schedules.list_schedules,
            parent=self._vertex.parent,
            filter=f'display_name="{title}"',
        )
        return [each for each in pages if each.state == Schedule.State.ACTIVE]

    def _retire(self, name: str) -> None:
        try:
            self._vertex.finish(
                self._vertex.ask(self._vertex.monitor_schedules.delete_schedule, name=name)
            )
        except google_errors.NotFound:
            return


def _last(name: str) -> str:
    """Return a name's last part: the service writes the project's number in place of its ID."""
    return name.rpartition("/")[2]
