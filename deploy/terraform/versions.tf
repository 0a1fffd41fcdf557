terraform {
  required_version = ">= 1.9"
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 7.0"
    }
  }
  # terraform init -backend-config=bucket=BUCKET: a bucket that somebody made by hand, versioned.
  backend "gcs" {
    prefix = "ucu-mlops"
  }
}

provider "google" {
  project = local.project
  region  = local.region
}
