"""Jobs and schedules against the stand-in, which runs what is submitted."""

import threading
from datetime import date

import pytest
import yaml

pytest.importorskip("kedro_vertexai", reason="make install-gcp installs it")

from standins.vertex.faults import Fault
from standins.vertex.server import StandIn
from ucu_mlops.adapters.vertex.jobs import Jobs
from ucu_mlops.adapters.vertex.schedules import Schedules
from ucu_mlops.adapters.vertex.trigger import RunOnVertex
from ucu_mlops.adapters.vertex_client import Patience, Vertex
from ucu_mlops.errors import CloudError, ConfigurationError, TaskError

HASTY = Patience(first_s=0.001, longest_s=0.01, deadline_s=20.0)
LOOK_S = 0.01
DAY = date(2026, 4, 1)
CRON = "TZ=UTC 30 6 * * *"
AS_OF = {"as_of": {"parameterType": "STRING", "isOptional": True, "description": "date"}}


class Work:
    """What the stand-in's jobs do: each waits until the test lets it end.

    Attributes:
        done: IDs of the jobs that were run, and what they were given.
        fail: Why jobs fail; None lets them succeed.
        go: Lets jobs end.
    """

    def __init__(self) -> None:
        self.done: list[tuple[str, dict]] = []
        self.fail: str | None = None
        self.go = threading.Event()
        self.go.set()

    def __call__(self, job: dict, stop: threading.Event) -> None:
        """Run one job."""
        given = job["runtimeConfig"].get("parameterValues", {})
        self.done.append((job["name"].rpartition("/")[2], given))
        while not (stop.is_set() or self.go.wait(0.01)):
            pass
        if self.fail is not None:
            raise RuntimeError(self.fail)


@pytest.fixture
def work():
    return Work()


@pytest.fixture
def stand_in(work, monkeypatch):
    serving = StandIn(work)
    monkeypatch.setenv("VERTEX_EMULATOR_HOST", serving.start())
    yield serving
    work.go.set()
    serving.faults.heal()
    serving.stop()


@pytest.fixture
def vertex(stand_in):
    return Vertex("my-project", "europe-west1", HASTY)


@pytest.fixture
def job(compiled):
    """A compiled file of one task, as read."""
    text = compiled(AS_OF, only={"command": ["true"]}).read_text()
    return {**yaml.safe_load(text), "runtimeConfig": {"gcsOutputDirectory": "gs://bucket/runs"}}


@pytest.fixture
def trigger(vertex, job):
    """Retrains by jobs of the compiled file."""
    return RunOnVertex(Jobs(vertex), lambda name: {**job, "displayName": name}, look_s=LOOK_S)


def test_a_submitted_job_runs_with_its_parameters(vertex, work, job):
    """It is given exactly what was given, quotes and dollars included, and ends well."""
    given = {"as_of": "2026-04-01 'it''s' \"$(x)\""}
    made = Jobs(vertex).submit(job, given, "first")
    assert (made.id, made.pipeline, made.parameters) == ("first", "example", given)
    assert Jobs(vertex).wait("first", LOOK_S).state == "succeeded"
    assert work.done == [("first", given)]


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.UNAVAILABLE, Fault.QUOTA])
def test_a_job_is_started_once_whatever_the_first_answer_is(stand_in, vertex, work, job, fault):
    """Submitting is tried again; that it was started already is no error."""
    stand_in.faults.order("CreatePipelineJob", fault)
    Jobs(vertex).submit(job, {}, "once")
    Jobs(vertex).submit(job, {}, "once")
    Jobs(vertex).wait("once", LOOK_S)
    assert work.done == [("once", {})]


def test_one_id_is_one_run(vertex, job):
    """An ID that stands for other parameters is refused."""
    Jobs(vertex).submit(job, {"as_of": "2026-04-01"}, "mine")
    with pytest.raises(ConfigurationError, match="mine exists and runs something else"):
        Jobs(vertex).submit(job, {"as_of": "2026-04-02"}, "mine")


def test_a_job_that_fails_says_why(vertex, work, job):
    """The reason that Vertex AI gives is part of the line."""
    work.fail = "task only failed\nin its 3rd attempt"
    Jobs(vertex).submit(job, {}, "bad")
    with pytest.raises(TaskError, match="bad failed task only failed in its 3rd attempt"):
        Jobs(vertex).wait("bad", LOOK_S)


def test_a_cancelled_job_ends_and_is_no_success(vertex, work, job):
    """Cancelling twice, or after the end, changes nothing."""
    work.go.clear()
    Jobs(vertex).submit(job, {}, "long")
    assert Jobs(vertex).cancel("long").state in {"cancelling", "cancelled"}
    with pytest.raises(TaskError, match="long cancelled"):
        Jobs(vertex).wait("long", LOOK_S)
    assert Jobs(vertex).cancel("long").state == "cancelled"


def test_a_job_lost_from_sight_is_no_success(stand_in, vertex, work, job):
    """Waiting for what Vertex AI does not know any more ends with an error, not for ever."""
    work.go.clear()
    Jobs(vertex).submit(job, {}, "gone")
    stand_in.pipelines.lose("projects/my-project/locations/europe-west1/pipelineJobs/gone")
    with pytest.raises(TaskError, match="knows of no job gone"):
        Jobs(vertex).wait("gone", LOOK_S)


def test_away_and_denied_are_said_in_one_line(stand_in, job):
    """What Vertex AI did not do, and why; a refusal is not tried again."""
    short = Vertex("my-project", "europe-west1", Patience(0.001, 0.01, 0.2))
    stand_in.faults.order("CreatePipelineJob", Fault.DENIED)
    with pytest.raises(CloudError, match="did not submit: PermissionDenied"):
        Jobs(short).submit(job, {}, "denied")
    stand_in.faults.away = True
    with pytest.raises(CloudError, match="did not tell the status: ServiceUnavailable") as caught:
        Jobs(short).find("denied")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("bad", ["Upper", "under_score", "", "a" * 128, "-x"])
def test_an_id_that_is_none_is_refused_here(vertex, job, bad):
    """Before anything is sent."""
    with pytest.raises(ConfigurationError, match="a job's ID has"):
        Jobs(vertex).submit(job, {}, bad)


def test_the_trigger_trains_a_day_once(trigger, work):
    """Asking again finds what has succeeded."""
    trigger.retrain("scam", DAY)
    trigger.retrain("scam", DAY)
    assert work.done == [("scam-retrain-2026-04-01", {"as_of": "2026-04-01"})]


def test_a_training_that_failed_is_followed_by_another(trigger, work):
    """The day is asked for again, under a new ID, and a third time nothing is to do."""
    work.fail = "out of memory"
    with pytest.raises(TaskError, match="out of memory"):
        trigger.retrain("scam", DAY)
    work.fail = None
    trigger.retrain("scam", DAY)
    trigger.retrain("scam", DAY)
    assert [name for name, _ in work.done] == [
        "scam-retrain-2026-04-01",
        "scam-retrain-2026-04-01-2",
    ]


def test_a_trigger_that_was_killed_goes_on_with_its_job(trigger, vertex, work, job):
    """The job that it had started is waited for, not started again."""
    work.go.clear()
    retraining = {**job, "displayName": "scam_retrain"}
    Jobs(vertex).submit(retraining, {"as_of": "2026-04-01"}, "scam-retrain-2026-04-01")
    threading.Timer(0.1, work.go.set).start()
    trigger.retrain("scam", DAY)
    assert len(work.done) == 1


def active(vertex):
    """Return the schedules that are there, oldest first."""
    found = vertex.schedules.list_schedules(parent=vertex.parent)
    return [(each.display_name, each.cron) for each in found]


def test_a_schedule_is_replaced_by_its_successor(stand_in, vertex, work, job):
    """Others stay; the new one runs the pipeline with its parameters."""
    schedules = Schedules(vertex)
    schedules.replace(job, {}, CRON, "other")
    first = schedules.replace(job, {}, CRON, "daily")
    second = schedules.replace(job, {"as_of": "2026-04-01"}, "0 7 * * *", "daily")
    assert second.retired == (first.name,)
    assert active(vertex) == [("other", CRON), ("daily", "0 7 * * *")]
    started = stand_in.schedules.fire(second.name).rpartition("/")[2]
    Jobs(vertex).wait(started, LOOK_S)
    assert work.done == [(started, {"as_of": "2026-04-01"})]


def test_the_same_schedule_again_changes_nothing(vertex, job):
    """Nothing is made, nothing retired."""
    first = Schedules(vertex).replace(job, {}, CRON, "daily")
    again = Schedules(vertex).replace(job, {}, CRON, "daily")
    assert (again.name, again.retired) == (first.name, ())


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.UNAVAILABLE])
def test_a_schedule_is_made_once_whatever_the_first_answer_is(stand_in, vertex, job, fault):
    """After a lost answer it is looked up, not made again."""
    stand_in.faults.order("CreateSchedule", fault)
    Schedules(vertex).replace(job, {}, CRON, "daily")
    assert active(vertex) == [("daily", CRON)]


def test_killed_between_making_and_retiring_the_old_one_goes_later(stand_in, vertex, job):
    """Two are there for a while rather than none; the same command again retires the old one."""
    schedules = Schedules(vertex)
    schedules.replace(job, {}, CRON, "daily")
    stand_in.faults.order("DeleteSchedule", Fault.DENIED)
    with pytest.raises(CloudError, match="PermissionDenied"):
        schedules.replace(job, {}, "0 7 * * *", "daily")
    assert active(vertex) == [("daily", CRON), ("daily", "0 7 * * *")]
    schedules.replace(job, {}, "0 7 * * *", "daily")
    assert active(vertex) == [("daily", "0 7 * * *")]


def test_a_cron_of_another_kind_is_refused_here(vertex, job):
    """Before anything is sent."""
    with pytest.raises(ConfigurationError, match="--cron must have five fields"):
        Schedules(vertex).replace(job, {}, "daily", "daily")
