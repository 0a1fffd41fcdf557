# Service accounts, each with what access.yml says and nothing else.
locals {
  access   = yamldecode(file("${path.module}/access.yml"))
  accounts = local.access.accounts
  members  = { for name, account in google_service_account.each : name => "serviceAccount:${account.email}" }

  project_roles = merge([
    for name, account in local.accounts : {
      for role in account.project : "${name} ${role}" => { account = name, role = role }
    }
  ]...)
  folder_roles = merge([
    for name, account in local.accounts : merge([
      for folder, right in try(account.folders, {}) : {
        for role in local.access.storage_roles[right] :
        "${name} ${folder} ${role}" => { account = name, folder = folder, role = role }
      }
    ]...)
  ]...)
  run_roles = merge([
    for name, account in local.accounts : merge([
      for place, folder in { runs = local.runs_folder, compiled = local.compiled } : {
        for role in try(local.access.storage_roles[account[place]], []) :
        "${name} ${folder} ${role}" => { account = name, folder = folder, role = role }
      }
    ]...)
  ]...)
  acts_as = merge([
    for name, account in local.accounts : {
      for other in try(account.acts_as, []) : "${name} ${other}" => { account = name, other = other }
    }
  ]...)
}

resource "google_service_account" "each" {
  for_each     = local.accounts
  account_id   = each.key
  display_name = each.value.why
}

resource "google_project_iam_member" "each" {
  for_each = local.project_roles
  project  = local.project
  role     = each.value.role
  member   = local.members[each.value.account]
}

resource "google_storage_bucket_iam_member" "data" {
  for_each = local.folder_roles
  bucket   = google_storage_bucket.data.name
  role     = each.value.role
  member   = local.members[each.value.account]
  condition {
    title      = replace(each.value.folder, "/", "_")
    expression = "resource.name.startsWith(\"projects/_/buckets/${local.data_bucket}/objects/${each.value.folder}/\")"
  }
}

# Listing names no object: it is allowed by the bucket's name, and tells names only.
resource "google_project_iam_custom_role" "list" {
  role_id     = "ucuMlopsListObjects"
  title       = "List the objects of a bucket"
  permissions = ["storage.buckets.get", "storage.objects.list"]
}

resource "google_storage_bucket_iam_member" "list" {
  for_each = { for name, account in local.accounts : name => account if can(account.folders) }
  bucket   = google_storage_bucket.data.name
  role     = google_project_iam_custom_role.list.id
  member   = local.members[each.key]
}

resource "google_storage_bucket_iam_member" "runs" {
  for_each = local.run_roles
  bucket   = google_storage_bucket.runs.name
  role     = each.value.role
  member   = local.members[each.value.account]
  condition {
    title      = each.value.folder
    expression = "resource.name.startsWith(\"projects/_/buckets/${local.runs_bucket}/objects/${each.value.folder}/\")"
  }
}

resource "google_bigquery_dataset_iam_member" "each" {
  for_each   = { for name, account in local.accounts : name => account.dataset if can(account.dataset) }
  dataset_id = google_bigquery_dataset.warehouse.dataset_id
  role       = each.value
  member     = local.members[each.key]
}

resource "google_artifact_registry_repository_iam_member" "each" {
  for_each   = { for name, account in local.accounts : name => account.images if can(account.images) }
  repository = google_artifact_registry_repository.images.name
  location   = local.region
  role       = each.value
  member     = local.members[each.key]
}

# Who starts a pipeline as another account must be allowed to act as it, and as no other.
resource "google_service_account_iam_member" "acts_as" {
  for_each           = local.acts_as
  service_account_id = google_service_account.each[each.value.other].name
  role               = "roles/iam.serviceAccountUser"
  member             = local.members[each.value.account]
}
