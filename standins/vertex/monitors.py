"""Vertex Model Monitoring v2 (preview): monitors, and schedules that let them look.

Source: the comments of google/cloud/aiplatform/v1beta1/{model_monitoring_service,model_monitor,
model_monitoring_spec,schedule_service,schedule}.proto. Jobs are kept; nothing is measured.
"""

import re
from datetime import UTC, datetime
from typing import Any

from google.cloud.aiplatform_v1beta1 import types
from google.longrunning.operations_pb2 import Operation

from standins.vertex import names
from standins.vertex.operations import OperationsService
from standins.vertex.pages import page
from standins.vertex.refusals import exists, invalid, not_found, unimplemented
from standins.vertex.schedules import Schedules

# CreateModelMonitorRequest.model_monitor_id: at most 63 characters.
MONITOR_ID = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
DATA_TYPES = {"float", "integer", "boolean", "string", "categorical"}  # FieldSchema.data_type
METRICS = {
    "categorical_metric_type": {"l_infinity", "jensen_shannon_divergence"},  # DataDriftSpec
    "numeric_metric_type": {"jensen_shannon_divergence"},
}
OFFSET = re.compile(r"\d+[wWdDhH]")  # TimeOffset


class MonitoringService:
    """google.cloud.aiplatform.v1beta1.ModelMonitoringService, as far as drift of features goes."""

    service = "google.cloud.aiplatform.v1beta1.ModelMonitoringService"

    def __init__(self, operations: OperationsService) -> None:
        self._operations = operations
        self.monitors: dict[str, Any] = {}

    def create_model_monitor(self, request: types.CreateModelMonitorRequest) -> Operation:
        """ModelMonitoringService.CreateModelMonitor; the schema "is required for most models"."""
        parent = names.check_location(request.parent)
        monitor = types.ModelMonitor.pb(types.ModelMonitor(request.model_monitor))
        names.check_display_name(monitor.display_name)
        names.check_id(MONITOR_ID, request.model_monitor_id, "model_monitor_id")
        model = monitor.model_monitoring_target.vertex_model
        if not (model.model and model.model_version_id):
            raise invalid("model_monitoring_target.vertex_model needs model and model_version_id")
        fields = monitor.model_monitoring_schema.feature_fields
        if not fields:
            raise invalid("model_monitoring_schema.feature_fields is required")
        for each in fields:
            if not each.name or each.data_type not in DATA_TYPES:
                raise invalid(f"field {each.name!r}: data_type must be one of {sorted(DATA_TYPES)}")
        _check_objective(monitor.tabular_objective, {each.name for each in fields})
        _check_data(monitor.training_dataset, "training_dataset")
        _check_output(monitor.output_spec)
        name = f"{parent}/modelMonitors/{request.model_monitor_id}"
        if name in self.monitors:
            raise exists(name)
        monitor.name = name
        monitor.create_time.FromDatetime(datetime.now(UTC))
        self.monitors[name] = monitor
        return self._operations.done(parent, monitor)

    def get_model_monitor(self, request: types.GetModelMonitorRequest) -> types.ModelMonitor:
        """ModelMonitoringService.GetModelMonitor."""
        return types.ModelMonitor(types.ModelMonitor.wrap(self.find(request.name)))

    def list_model_monitors(
        self, request: types.ListModelMonitorsRequest
    ) -> types.ListModelMonitorsResponse:
        """ModelMonitoringService.ListModelMonitors: all of a location."""
        parent = names.check_location(request.parent)
        if request.filter or request.read_mask.paths:
            raise unimplemented("filter and read_mask of model monitors")
        inside = [each for name, each in self.monitors.items() if name.startswith(f"{parent}/")]
        found, token = page(inside, request)
        return types.ListModelMonitorsResponse(
            model_monitors=[types.ModelMonitor(types.ModelMonitor.wrap(each)) for each in found],
            next_page_token=token,
        )

    def check_job(self, job: Any, monitor: Any) -> None:
        """Refuse a job whose spec cannot be carried out; "left blank" it is the monitor's."""
        names.check_display_name(job.display_name)
        fields = {each.name for each in monitor.model_monitoring_schema.feature_fields}
        objective = job.model_monitoring_spec.objective_spec
        _check_objective(objective.tabular_objective, fields)
        _check_data(objective.baseline_dataset, "baseline_dataset")
        _check_data(objective.target_dataset, "target_dataset")
        _check_output(job.model_monitoring_spec.output_spec)

    def find(self, name: str) -> Any:
        """Return a monitor by its name."""
        full = names.canonical(name)
        if full not in self.monitors:
            raise not_found(full)
        return self.monitors[full]


class MonitorScheduleService(Schedules):
    """google.cloud.aiplatform.v1beta1.ScheduleService, for monitoring jobs by cron."""

    service = "google.cloud.aiplatform.v1beta1.ScheduleService"

    def __init__(self, monitoring: MonitoringService, operations: OperationsService) -> None:
        super().__init__(types, operations)
        self._monitoring = monitoring

    def create_schedule(self, request: types.CreateScheduleRequest) -> types.Schedule:
        """ScheduleService.CreateSchedule: display_name, max_concurrent_run_count are required."""
        parent, schedule = self.checked(request)
        if schedule.WhichOneof("request") != "create_model_monitoring_job_request":
            raise unimplemented("v1beta1 schedules of anything but monitoring jobs")
        asked = schedule.create_model_monitoring_job_request
        self._monitoring.check_job(asked.model_monitoring_job, self._monitoring.find(asked.parent))
        kept: types.Schedule = self.keep(parent, schedule)
        return kept

    def list_schedules(self, request: types.ListSchedulesRequest) -> types.ListSchedulesResponse:
        """ScheduleService.ListSchedules: by ``display_name="…"``, or all."""
        found: types.ListSchedulesResponse = self.listed(request)
        return found

    def delete_schedule(self, request: types.DeleteScheduleRequest) -> Operation:
        """ScheduleService.DeleteSchedule."""
        return self.deleted(request)


def _check_objective(objective: Any, fields: set[str]) -> None:
    """Features "should be a subset of the input feature names … specified in the schema"."""
    drift = objective.feature_drift_spec
    if unknown := sorted({*drift.features, *drift.feature_alert_conditions} - fields):
        raise invalid(f"feature_drift_spec names {unknown[0]!r}, which the schema does not have")
    for field, known in METRICS.items():
        if getattr(drift, field) not in known:
            raise invalid(f"feature_drift_spec.{field} must be one of {sorted(known)}")


def _check_data(data: Any, what: str) -> None:
    if data.WhichOneof("dataset") != "columnized_dataset":
        raise unimplemented(f"{what} that is not columnized")
    table = data.columnized_dataset
    if table.WhichOneof("data_location") != "bigquery_source":
        raise unimplemented(f"{what} that is not in BigQuery")
    if table.bigquery_source.WhichOneof("connection") is None:
        raise invalid(f"{what}: table_uri or query is required")
    offset = data.time_offset
    if data.WhichOneof("time_spec") == "time_offset" and not (
        OFFSET.fullmatch(offset.offset) and OFFSET.fullmatch(offset.window)
    ):
        raise invalid(f"{what}.time_offset must be such as 1d, got {offset.offset, offset.window}")


def _check_output(output: Any) -> None:
    prefix = output.gcs_base_directory.output_uri_prefix
    if prefix and not prefix.startswith("gs://"):
        raise invalid(f"output_spec must be in Cloud Storage, got {prefix!r}")
