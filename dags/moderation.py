"""One DAG per model: a day is scored and watched, and trained again where that was decided.

A new version that fails its trial is rolled back within score_and_watch.

day → score_and_watch → decision → retrain | none | data_fault (fails, to call people)
    ↘ retrain (a run with "retrain" on)
"""

import json
import logging
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import yaml
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import (
    DAG,
    Context,
    ObjectStoragePath,
    Param,
    TriggerRule,
    XComArg,
    get_current_context,
    task,
)
from airflow.sdk.exceptions import AirflowFailException
from days import AS_OF, day_of
from pipeline_job import PipelineJobOperator

SETTINGS: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("settings.yml").read_text())
RETRAIN = Param(False, type="boolean", title="Only train", description="Train without scoring.")
logger = logging.getLogger(__name__)


def report_failure(context: Context) -> None:
    """Log a failed task as one line that alerting rules look for."""
    ti = context["task_instance"]
    logger.error("ucu_mlops task failed: %s.%s of %s", ti.dag_id, ti.task_id, ti.run_id)


@task
def last_complete_day() -> str:
    """Name the day of this run."""
    context = get_current_context()
    return day_of(context["params"]["as_of"], context["dag_run"].run_after)


@task.branch
def first() -> str:
    """Start with the training where that is all that somebody asked for."""
    return "retrain" if get_current_context()["params"]["retrain"] else "score_and_watch"


@task.branch
def decision(model: str, as_of: str) -> str:
    """Read what monitoring decided about a day, and go on with the task of that name."""
    file = ObjectStoragePath(SETTINGS["reports"]) / model / "monitoring" / f"{as_of}.json"
    return str(json.loads(file.read_text())["action"])


@task(task_id="data_fault", retries=0)
def call_people(model: str, as_of: str) -> None:
    """Fail, so that whoever is on call looks at the feed; nothing was trained on it."""
    raise AirflowFailException(f"{model}: the data of {as_of} are faulty; see its monitoring page")


def pipeline_job(task_id: str, pipeline: str, as_of: XComArg) -> PipelineJobOperator:
    """Run a compiled pipeline for a day."""
    return PipelineJobOperator(
        task_id=task_id,
        project_id=SETTINGS["project_id"],
        region=SETTINGS["region"],
        display_name=pipeline,
        template_path=f"{SETTINGS['compiled']}/{pipeline}.yml",
        job_id=pipeline + "-{{ run_id }}",
        pipeline_root=SETTINGS["root"],
        parameter_values={"as_of": as_of},
        enable_caching=False,
        service_account=SETTINGS["service_accounts"][pipeline],
        network=SETTINGS["network"],
        deferrable=True,
        poll_interval=SETTINGS["look_s"],
    )


def model_dag(model: str, schedule: str) -> DAG:
    """Make a model's DAG; of its runs one at a time is under way, the oldest day first."""
    with DAG(
        dag_id=model,
        schedule=schedule,
        start_date=datetime.combine(SETTINGS["start"], time(), UTC),
        catchup=True,
        max_active_runs=1,
        params={"as_of": AS_OF, "retrain": RETRAIN},
        default_args={
            "retries": 2,
            "retry_delay": timedelta(seconds=SETTINGS["retry_s"]),
            "retry_exponential_backoff": True,
            "on_failure_callback": report_failure,
        },
        tags=["moderation"],
    ) as dag:
        as_of = last_complete_day()
        scored = pipeline_job("score_and_watch", f"{model}_daily", as_of)
        trained = pipeline_job("retrain", f"{model}_retrain", as_of)
        trained.trigger_rule = TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS
        as_of >> first() >> [scored, trained]
        none = EmptyOperator(task_id="none")
        scored >> decision(model, as_of) >> [trained, none, call_people(model, as_of)]
    return dag


for name, when in SETTINGS["schedules"].items():
    globals()[name] = model_dag(name, when)
