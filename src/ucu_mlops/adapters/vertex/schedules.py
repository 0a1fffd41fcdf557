"""Schedules of Vertex AI: the new one is made before the old one goes, so no run is missed."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from google.api_core import exceptions as google_errors
from google.cloud.aiplatform_v1 import Schedule
from google.protobuf import json_format

from ucu_mlops.adapters.vertex.jobs import asking, pipeline_job
from ucu_mlops.adapters.vertex_client import PASSING, Vertex
from ucu_mlops.errors import ConfigurationError

MARK = "ucu-mlops-schedule"  # label of its runs: hash of what the schedule says
CRON_FIELDS = 5
ATTEMPTS = 10


@dataclass(frozen=True)
class Replaced:
    """What became of a schedule.

    Attributes:
        name: The schedule that is active.
        retired: Those of the same name that were deleted.
    """

    name: str
    retired: tuple[str, ...]


class Schedules:
    """Schedules of one project and location.

    Args:
        vertex: Where they are.
    """

    def __init__(self, vertex: Vertex) -> None:
        self._vertex = vertex

    def replace(
        self, compiled: Mapping[str, Any], params: Mapping[str, Any], cron: str, title: str
    ) -> Replaced:
        """Make a schedule, then retire all others of its title; again changes nothing.

        Args:
            compiled: What ``kedro vertex compile`` wrote.
            params: Parameters of each run, checked and typed.
            cron: When, such as ``TZ=UTC 30 6 * * *``.
            title: The schedule's name for people.

        Raises:
            CloudError: Vertex AI refused or stayed away; the old schedule still runs.
            ConfigurationError: ``cron`` has not five fields.
        """
        check_cron(cron)
        schedule = self._schedule(compiled, params, cron, title)
        with asking("schedule"):
            name = self._make(schedule)
            retired = [each.name for each in self._titled(title) if each.name != name]
            for old in retired:
                self._retire(old)
        return Replaced(name, tuple(retired))

    def _schedule(
        self, compiled: Mapping[str, Any], params: Mapping[str, Any], cron: str, title: str
    ) -> Schedule:
        said = json.dumps([compiled, dict(params), cron, title], sort_keys=True)
        job = pipeline_job(compiled, params)
        job.labels[MARK] = hashlib.sha256(said.encode()).hexdigest()[:32]
        return Schedule(
            display_name=title,
            cron=cron,
            create_pipeline_job_request={"parent": self._vertex.parent, "pipeline_job": job},
            # Two runs of one pipeline would write the same partitions.
            max_concurrent_run_count=1,
            max_concurrent_active_run_count=1,
            allow_queueing=True,
        )

    def _make(self, schedule: Schedule) -> str:
        """Make it unless it is there: a second one of the same content would run twice."""
        attempt, mark = 0, _mark(schedule)
        while True:
            for each in self._titled(schedule.display_name):
                if _mark(each) == mark:
                    return str(each.name)
            attempt += 1
            try:
                self._vertex.ask(
                    self._vertex.schedules.create_schedule,
                    once=True,
                    parent=self._vertex.parent,
                    schedule=schedule,
                )
            except PASSING:
                if attempt == ATTEMPTS:
                    raise
                self._vertex.pause(attempt)

    def _titled(self, title: str) -> list[Schedule]:
        pages = self._vertex.ask(
            self._vertex.schedules.list_schedules,
            parent=self._vertex.parent,
            filter=f"display_name={json.dumps(title)}",
        )
        return [each for each in pages if each.state == Schedule.State.ACTIVE]

    def _retire(self, name: str) -> None:
        try:
            self._vertex.finish(self._vertex.ask(self._vertex.schedules.delete_schedule, name=name))
        except google_errors.NotFound:
            return


def check_cron(cron: str) -> None:
    """Refuse what is no cron, before anything is sent.

    Raises:
        ConfigurationError: It has not five fields.
    """
    fields = [each for each in cron.split() if not each.startswith(("TZ=", "CRON_TZ="))]
    if len(fields) != CRON_FIELDS:
        raise ConfigurationError(
            f"--cron must have five fields, such as 'TZ=UTC 30 6 * * *', got {cron!r}"
        )


def _mark(schedule: Schedule) -> str:
    asked = json_format.MessageToDict(Schedule.pb(schedule).create_pipeline_job_request)
    return str(asked.get("pipelineJob", {}).get("labels", {}).get(MARK, ""))
