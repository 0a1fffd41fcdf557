"""The trigger in the cloud: a training is a job of Vertex AI, one per model and day."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from ucu_mlops.adapters.vertex.jobs import LOOK_S, Job, Jobs, start_id
from ucu_mlops.errors import TaskError

ATTEMPTS = 9  # jobs of one day, ended badly ones included


@dataclass(frozen=True)
class RunOnVertex:
    """Fills the port :class:`ucu_mlops.release.trigger.Trigger`.

    Attributes:
        jobs: Where jobs are submitted.
        compiled: Gives the compiled file of a pipeline, by the pipeline's name.
        look_s: Seconds between two looks at a job.
    """

    jobs: Jobs
    compiled: Callable[[str], Mapping[str, Any]]
    look_s: float = LOOK_S

    def retrain(self, model: str, as_of: date) -> None:
        """Train, compare and perhaps release ``model`` as of a day, unless that is done.

        A job's ID is made of model and day, so asking again finds the one that runs or has
        succeeded; one that failed or was cancelled is followed by a new one.

        Raises:
            CloudError: Vertex AI refused or stayed away.
            TaskError: The job failed, was cancelled, or is lost from sight.
        """
        pipeline, day = f"{model}_retrain", as_of.isoformat()
        for attempt in range(1, ATTEMPTS + 1):
            job_id = start_id(pipeline, day if attempt == 1 else f"{day}-{attempt}")
            found = self.jobs.find(job_id)
            if found is None:
                found = self._submit(pipeline, day, job_id)
            if found.state == "succeeded":
                return
            if not found.has_ended or found.state == "cancelling":
                self.jobs.wait(job_id, self.look_s)
                return
        raise TaskError(
            f"{ATTEMPTS} jobs of {pipeline} as of {day} failed; see kedro vertex status"
        )

    def _submit(self, pipeline: str, day: str, job_id: str) -> Job:
        return self.jobs.submit(self.compiled(pipeline), {"as_of": day}, job_id)
