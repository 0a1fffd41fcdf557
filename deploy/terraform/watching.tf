# Who touched the registry and the data, and who is told when something fails.
resource "google_project_iam_audit_config" "access" {
  for_each = toset(["aiplatform.googleapis.com", "bigquery.googleapis.com", "storage.googleapis.com"])
  project  = local.project
  service  = each.value
  audit_log_config {
    log_type = "DATA_READ"
  }
  audit_log_config {
    log_type = "DATA_WRITE"
  }
}

# Audit logs are kept for a year where nobody of this file can delete them.
resource "google_logging_project_bucket_config" "audit" {
  project        = local.project
  location       = local.region
  bucket_id      = "audit"
  retention_days = 365
}

resource "google_logging_project_sink" "audit" {
  name                   = "audit"
  destination            = "logging.googleapis.com/${google_logging_project_bucket_config.audit.id}"
  filter                 = "logName:\"cloudaudit.googleapis.com\""
  unique_writer_identity = true
}

resource "google_monitoring_notification_channel" "people" {
  display_name = "moderation on call"
  type         = "email"
  labels       = { email_address = var.people }
}

locals {
  # What is a line of a log, and means that somebody has to look.
  alarms = {
    pipeline_failed = {
      says   = "A pipeline job of Vertex AI failed."
      filter = "resource.type=\"aiplatform.googleapis.com/PipelineJob\" AND jsonPayload.state=\"PIPELINE_STATE_FAILED\""
    }
    task_failed = {
      says   = "A task of Airflow failed."
      filter = "\"ucu_mlops task failed\""
    }
    drift_seen = {
      says   = "Vertex Model Monitoring saw what the project's own monitoring may have missed."
      filter = "resource.type=\"aiplatform.googleapis.com/ModelMonitor\" AND severity>=WARNING"
    }
    ledger_touched = {
      says   = "An object of the ledger was deleted or changed: moves are only ever added."
      filter = "protoPayload.methodName=~\"storage.objects.(delete|update)\" AND protoPayload.resourceName:\"/objects/06_models/ledger/\""
    }
  }
}

resource "google_monitoring_alert_policy" "each" {
  for_each              = local.alarms
  display_name          = each.key
  combiner              = "OR"
  notification_channels = [google_monitoring_notification_channel.people.id]
  documentation {
    content = each.value.says
  }
  conditions {
    display_name = each.key
    condition_matched_log {
      filter = each.value.filter
    }
  }
  alert_strategy {
    notification_rate_limit {
      period = "3600s"
    }
  }
}
