# What exists where is said once, in conf/gcp: this reads it.
locals {
  vertex  = yamldecode(file("${path.module}/../../conf/gcp/vertexai.yml"))
  globals = yamldecode(file("${path.module}/../../conf/gcp/globals.yml"))
  dags    = yamldecode(file("${path.module}/../../dags/settings.yml"))

  project     = local.vertex.project_id
  region      = local.vertex.region
  labels      = local.vertex.labels
  data_bucket = trimprefix(local.globals.data_root, "gs://")
  runs_bucket = split("/", local.vertex.run_config.root)[0]
  runs_folder = split("/", local.vertex.run_config.root)[1]
  compiled    = split("/", trimprefix(local.dags.compiled, "gs://"))[1]
}

variable "people" {
  description = "E-mail address that is told when something fails."
  type        = string
}


resource "google_project_service" "used" {
  for_each = toset([
    "aiplatform.googleapis.com", "artifactregistry.googleapis.com", "bigquery.googleapis.com",
    "bigquerystorage.googleapis.com", "cloudscheduler.googleapis.com", "iam.googleapis.com",
    "logging.googleapis.com", "monitoring.googleapis.com", "storage.googleapis.com",
  ])
  service            = each.value
  disable_on_destroy = false
}

resource "google_storage_bucket" "data" {
  name                        = local.data_bucket
  location                    = local.region
  labels                      = local.labels
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  versioning {
    enabled = true
  }
  lifecycle_rule {
    condition {
      num_newer_versions = 3
      with_state         = "ARCHIVED"
    }
    action {
      type = "Delete"
    }
  }
}

# Where jobs leave what they need while they run, and where compiled files are.
resource "google_storage_bucket" "runs" {
  name                        = local.runs_bucket
  location                    = local.region
  labels                      = local.labels
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  lifecycle_rule {
    condition {
      age            = 30
      matches_prefix = ["${local.runs_folder}/"]
    }
    action {
      type = "Delete"
    }
  }
}

resource "google_bigquery_dataset" "warehouse" {
  dataset_id = local.globals.warehouse.dataset_id
  location   = local.globals.warehouse.location
  labels     = local.labels
}

resource "google_artifact_registry_repository" "images" {
  repository_id = "images"
  location      = local.region
  format        = "DOCKER"
  labels        = local.labels
  docker_config {
    immutable_tags = true
  }
}
