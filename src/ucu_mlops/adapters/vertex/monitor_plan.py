"""What Vertex Model Monitoring is asked to watch: a model's own reference days and thresholds.

A second pair of eyes: it computes the distances itself, from the warehouse's tables of features.
Sources: the comments of google/cloud/aiplatform/v1beta1/model_monitor{,ing_spec,ing_alert}.proto.
"""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ucu_mlops.adapters.vertex_mlflow.names import model_id
from ucu_mlops.bundle.manifest import Manifest
from ucu_mlops.errors import ConfigurationError, NotEnoughDataError
from ucu_mlops.monitoring.drift import DriftOptions

METRIC = "jensen_shannon_divergence"
TYPES = {"numeric": "float", "categorical": "categorical"}
MOMENT = "seen_at"
# A day's rows are dated to its noon: a run before the next noon looks at it and at no other day.
NOON = f"TIMESTAMP_ADD(TIMESTAMP(as_of), INTERVAL 12 HOUR) AS {MOMENT}"
LONGEST_ID, HASH = 63, 10


@dataclass(frozen=True)
class MonitorPlan:
    """One monitor of one version, and when it looks.

    Attributes:
        model: Name of the model.
        version: The champion that is watched.
        monitor: The ModelMonitor, as JSON writes it.
        spec: The ModelMonitoringSpec of each scheduled look.
        cron: When it looks.
    """

    model: str
    version: str
    monitor: Mapping[str, Any]
    spec: Mapping[str, Any]
    cron: str

    @property
    def monitor_id(self) -> str:
        """The monitor's ID: the same for the same content, so that asking again makes no other."""
        said = json.dumps([self.monitor, self.spec], sort_keys=True)
        told_apart = hashlib.sha256(said.encode()).hexdigest()[:HASH]
        plain = model_id(f"{self.model}-v{self.version}").replace("_", "-")
        return f"{plain[: LONGEST_ID - HASH - 1]}-{told_apart}"

    @property
    def title(self) -> str:
        """The schedule's name for people; a model has one."""
        return f"{self.model} model monitoring"

    def lines(self) -> Iterator[str]:
        """Describe it for people."""
        drift = self.spec["objectiveSpec"]["tabularObjective"]["featureDriftSpec"]
        yield f"monitor {self.monitor_id} of {self.model}, version {self.version}: {self.cron}"
        baseline = self.monitor["trainingDataset"]["columnizedDataset"]["bigquerySource"]
        yield f"  baseline   {baseline['query']}"
        yield f"  results    {self.monitor['outputSpec']['gcsBaseDirectory']['outputUriPrefix']}"
        for name in drift["features"]:
            yield f"  {name}: alert above {drift['featureAlertConditions'][name]['threshold']:.6f}"


def plan_monitor(  # noqa: PLR0913 (what it is made of lies in as many places)
    manifest: Manifest,
    version: str,
    drift: DriftOptions,
    warehouse: Mapping[str, Any],
    *,
    groups: Collection[str],
    parent: str,
    results: str,
    cron: str,
) -> MonitorPlan:
    """Make the monitor of a champion from what it knows of its quiet days.

    A feature's threshold is the square (Vertex AI measures the divergence, this project its root)
    of what is larger: ``drift.floor``, or the distance of the farthest quiet day from the others.

    Args:
        manifest: The champion's.
        version: Its version in the registry.
        drift: The thresholds of the project's own monitoring.
        warehouse: ``warehouse`` of the environment's globals: BigQuery's.
        groups: Names of the declared groups of features, each a table ``features_NAME``.
        parent: ``projects/P/locations/L``.
        results: ``gs://`` address under which Vertex AI leaves statistics.
        cron: When it looks; before noon UTC.

    Raises:
        ConfigurationError: The warehouse is not BigQuery, or the model is not of features.
        NotEnoughDataError: The champion has no reference.
    """
    if warehouse.get("backend") != "bigquery":
        raise ConfigurationError(
            f"Vertex Model Monitoring reads BigQuery, the warehouse is {warehouse.get('backend')};"
            " use --env=gcp"
        )
    reference = manifest.reference
    if not reference.get("days_covered"):
        raise NotEnoughDataError(
            f"version {version} of {manifest.model} has no reference of quiet days; release one"
            f" that has: kedro run --pipeline={manifest.model}_retrain"
        )
    watched = [each for each in manifest.features if each.name not in drift.unwatched]
    own = {each.group for each in watched}
    if not own or not own <= set(groups):
        raise ConfigurationError(
            f"{manifest.model} is not made of declared features; Vertex Model Monitoring knows"
            " tables only"
        )
    tables = _tables(sorted(own), f"{warehouse['project_id']}.{warehouse['dataset_id']}")
    thresholds = {
        each.name: {"threshold": max(drift.floor, reference["features"][each.name]["quiet"]) ** 2}
        for each in watched
    }
    names = ", ".join(each.name for each in watched)
    query = f"SELECT {NOON}, {names} FROM {tables}"  # noqa: S608 (names that declarations checked)
    days = ", ".join(f"'{day}'" for day in reference["days_covered"])
    baseline = _dataset(f"{query} WHERE as_of IN ({days})")
    objective = {
        "featureDriftSpec": {
            "features": sorted(thresholds),
            "categoricalMetricType": METRIC,
            "numericMetricType": METRIC,
            "featureAlertConditions": thresholds,
        }
    }
    monitor = {
        "displayName": manifest.model,
        "modelMonitoringTarget": {
            "vertexModel": {
                "model": f"{parent}/models/{model_id(manifest.model)}",
                "modelVersionId": version,
            }
        },
        "modelMonitoringSchema": {
            "featureFields": [{"name": e.name, "dataType": TYPES[e.kind]} for e in watched]
        },
        "trainingDataset": baseline,
        "tabularObjective": objective,
        "outputSpec": {"gcsBaseDirectory": {"outputUriPrefix": results}},
        "notificationSpec": {"enableCloudLogging": True},
    }
    spec = {
        "objectiveSpec": {
            "tabularObjective": objective,
            "baselineDataset": baseline,
            "targetDataset": {**_dataset(query), "timeOffset": {"offset": "0h", "window": "1d"}},
        },
        "notificationSpec": monitor["notificationSpec"],
        "outputSpec": monitor["outputSpec"],
    }
    return MonitorPlan(manifest.model, version, monitor, spec, cron)


def _tables(groups: list[str], dataset: str) -> str:
    joins = (f" LEFT JOIN `{dataset}.features_{each}` USING (entity_id, as_of)" for each in groups)
    return f"`{dataset}.population`" + "".join(joins)


def _dataset(query: str) -> dict[str, Any]:
    return {"columnizedDataset": {"bigquerySource": {"query": query}, "timestampField": MOMENT}}
