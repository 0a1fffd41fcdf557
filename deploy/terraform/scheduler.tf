# Where there is no Airflow, Cloud Scheduler starts the daily pipelines: it cannot retrain.
variable "daily" {
  description = "Compiled daily files by path, and when each runs (UTC); empty with Airflow."
  type        = map(string)
  default     = {}
}

locals {
  daily = { for file, cron in var.daily : yamldecode(file(file)).displayName => {
    cron = cron
    job  = yamldecode(file(file))
  } }
}

resource "google_cloud_scheduler_job" "daily" {
  for_each  = local.daily
  name      = replace(each.key, "_", "-")
  region    = local.region
  schedule  = each.value.cron
  time_zone = "Etc/UTC"
  retry_config {
    retry_count = 3
  }
  http_target {
    http_method = "POST"
    uri         = "https://${local.region}-aiplatform.googleapis.com/v1/projects/${local.project}/locations/${local.region}/pipelineJobs"
    headers     = { "Content-Type" = "application/json" }
    body = base64encode(jsonencode(merge(each.value.job, {
      runtimeConfig = merge(each.value.job.runtimeConfig, {
        parameterValues = { as_of = "last-complete-day" }
      })
    })))
    oauth_token {
      service_account_email = google_service_account.each["scheduler"].email
    }
  }
}
