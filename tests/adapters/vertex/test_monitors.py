"""A model's champion is watched by its own reference and thresholds, once, whatever goes wrong."""

from dataclasses import replace

import pytest

pytest.importorskip("kedro_vertexai", reason="make install-gcp installs it")

from google.cloud import aiplatform_v1beta1 as preview
from google.protobuf import json_format

from standins.vertex.faults import Fault
from standins.vertex.server import StandIn
from ucu_mlops.adapters.vertex.monitor_plan import MonitorPlan, plan_monitor
from ucu_mlops.adapters.vertex.monitors import Monitors
from ucu_mlops.adapters.vertex_client import Patience, Vertex
from ucu_mlops.bundle.manifest import FeatureSpec, LabelSpec, Manifest
from ucu_mlops.errors import CloudError, ConfigurationError, NotEnoughDataError
from ucu_mlops.monitoring.drift import DriftOptions

CRON = "TZ=UTC 30 6 * * *"
PARENT = "projects/my-project/locations/europe-west1"
WAREHOUSE = {"backend": "bigquery", "project_id": "my-project", "dataset_id": "warehouse"}
DRIFT = DriftOptions(floor=0.1, unwatched=("account_age",))
MANIFEST = Manifest(
    model="scam",
    kind="model",
    as_of="2026-03-31",
    features=(
        FeatureSpec("recipients_7d", "numeric", "messages", "d1"),
        FeatureSpec("country", "categorical", "profile", "d2"),
        FeatureSpec("account_age", "numeric", "profile", "d2"),
    ),
    labels=(LabelSpec("scam", 0.5),),
    reference={
        "days_covered": ["2026-03-30", "2026-03-31"],
        "features": {"recipients_7d": {"quiet": 0.2}, "country": {"quiet": 0.05}},
    },
)


def plan(manifest=MANIFEST, version="3", drift=DRIFT, cron=CRON, **warehouse) -> MonitorPlan:
    """Plan the champion's monitor."""
    return plan_monitor(
        manifest,
        version,
        drift,
        WAREHOUSE | warehouse,
        groups={"messages", "profile"},
        parent=PARENT,
        results="gs://bucket/monitoring",
        cron=cron,
    )


@pytest.fixture
def stand_in(monkeypatch):
    serving = StandIn()
    monkeypatch.setenv("VERTEX_EMULATOR_HOST", serving.start())
    yield serving
    serving.faults.heal()
    serving.stop()


@pytest.fixture
def vertex(stand_in):
    return Vertex("my-project", "europe-west1", Patience(0.001, 0.01, 2.0))


def schedules(vertex):
    """Return the schedules that are there: title and monitor."""
    found = vertex.monitor_schedules.list_schedules(parent=vertex.parent)
    asked = [(each.display_name, each.create_model_monitoring_job_request) for each in found]
    return [(title, each.parent.rpartition("/")[2]) for title, each in asked]


def test_thresholds_are_the_projects_own():
    """The larger of floor and farthest quiet day, squared; what nobody watches is left out."""
    drift = plan().spec["objectiveSpec"]["tabularObjective"]["featureDriftSpec"]
    assert drift["featureAlertConditions"] == {
        "recipients_7d": {"threshold": pytest.approx(0.04)},
        "country": {"threshold": pytest.approx(0.01)},
    }
    assert drift["features"] == ["country", "recipients_7d"]


def test_baseline_is_the_reference_and_target_is_a_day(bigquery_sql):
    """Both are SQL that BigQuery understands, over the tables that the pipelines write."""
    objective = plan().spec["objectiveSpec"]
    queries = [
        objective[each]["columnizedDataset"]["bigquerySource"]["query"]
        for each in ("baselineDataset", "targetDataset")
    ]
    for query in queries:
        bigquery_sql(query)
    assert queries[0] == f"{queries[1]} WHERE as_of IN ('2026-03-30', '2026-03-31')"
    assert objective["targetDataset"]["timeOffset"] == {"offset": "0h", "window": "1d"}


@pytest.fixture
def bigquery_sql(bigquery):
    """Refuse what BigQuery's own analyzer refuses, of the tables named as ours are."""
    import ibis  # noqa: PLC0415

    key = {"entity_id": "string", "as_of": "date"}
    check = bigquery(
        ibis.table(columns, name=name)
        for name, columns in {
            "population": key,
            "features_messages": {**key, "recipients_7d": "float64"},
            "features_profile": {**key, "country": "string", "account_age": "float64"},
        }.items()
    )
    return lambda query: check(query.replace("my-project.warehouse.", ""))


def test_a_plan_says_what_would_be_watched():
    """Version, cron, baseline, results, and each feature's threshold."""
    text = "\n".join(plan().lines())
    assert "version 3: TZ=UTC 30 6 * * *" in text
    assert "recipients_7d: alert above 0.040000" in text
    assert "gs://bucket/monitoring" in text


def test_a_monitor_and_its_schedule_are_made_once(stand_in, vertex):
    """Asking again finds both; what Vertex AI keeps is what was planned."""
    first = Monitors(vertex).watch(plan())
    assert Monitors(vertex).watch(plan()) == first
    (kept,) = vertex.monitors.list_model_monitors(parent=vertex.parent)
    told = json_format.MessageToDict(preview.ModelMonitor.pb(kept))
    assert told["modelMonitoringTarget"] == plan().monitor["modelMonitoringTarget"]
    assert schedules(vertex) == [("scam model monitoring", plan().monitor_id)]


@pytest.mark.parametrize("method", ["CreateModelMonitor", "CreateSchedule"])
@pytest.mark.parametrize("fault", [Fault.LOST, Fault.UNAVAILABLE, Fault.QUOTA])
def test_whatever_the_first_answer_is_there_is_one(stand_in, vertex, method, fault):
    """An answer that was lost, or none: one monitor, one schedule."""
    stand_in.faults.order(method, fault)
    Monitors(vertex).watch(plan())
    assert len(stand_in.monitoring.monitors) == 1
    assert len(schedules(vertex)) == 1


def test_the_next_champion_is_watched_instead(stand_in, vertex):
    """The old one's schedule goes after the new one is there; what it found stays."""
    first = Monitors(vertex).watch(plan())
    stand_in.faults.order("DeleteSchedule", Fault.DENIED)
    with pytest.raises(CloudError, match="PermissionDenied"):
        Monitors(vertex).watch(plan(version="4"))
    assert len(schedules(vertex)) == 2
    assert Monitors(vertex).watch(plan(version="4")).retired == (first.schedule,)
    assert schedules(vertex) == [("scam model monitoring", plan(version="4").monitor_id)]
    assert len(stand_in.monitoring.monitors) == 2


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        ({"backend": "duckdb"}, ConfigurationError, "reads BigQuery, .* is duckdb; use --env=gcp"),
        ({"manifest": replace(MANIFEST, reference={})}, NotEnoughDataError, "has no reference"),
        (
            {"manifest": replace(MANIFEST, features=(FeatureSpec("hue", "numeric", "x", "d"),))},
            ConfigurationError,
            "knows tables only",
        ),
    ],
    ids=["warehouse", "reference", "pictures"],
)
def test_what_cannot_be_watched_is_refused_here(change, kind, message):
    """In one line, before anything is sent."""
    with pytest.raises(kind, match=message) as caught:
        plan(**change)
    assert "\n" not in str(caught.value)


def test_a_cron_that_is_none_is_refused_before_anything_is_made(stand_in, vertex):
    """No monitor without its schedule."""
    with pytest.raises(ConfigurationError, match="--cron must have five fields"):
        Monitors(vertex).watch(plan(cron="daily"))
    assert stand_in.monitoring.monitors == {}


@pytest.mark.parametrize(
    "change",
    [
        {"modelMonitoringTarget": {}},
        {"modelMonitoringSchema": {"featureFields": [{"name": "a", "dataType": "numeric"}]}},
        {"modelMonitoringSchema": {"featureFields": [{"name": "other", "dataType": "float"}]}},
        {"outputSpec": {"gcsBaseDirectory": {"outputUriPrefix": "bucket/x"}}},
        {"displayName": "x" * 129},
    ],
    ids=["target", "type", "fields", "bucket", "name"],
)
def test_the_stand_in_refuses_what_the_protos_forbid(vertex, change):
    """No target, an unknown data type, features that the schema lacks, results on a disk."""
    bad = replace(plan(), monitor={**plan().monitor, **change})
    with pytest.raises(CloudError, match="did not watch: InvalidArgument"):
        Monitors(vertex).watch(bad)
