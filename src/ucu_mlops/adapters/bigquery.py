"""The connection to BigQuery: what each query may cost, what it is labelled with, where it runs."""

import os
from collections.abc import Mapping
from typing import Any

import grpc
import ibis
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import DefaultCredentialsError
from google.cloud import bigquery
from google.cloud.bigquery_storage_v1 import BigQueryReadClient

from ucu_mlops.errors import ConfigurationError

# Google's own client heeds the first; there is no such name for the Storage Read API.
EMULATOR = "BIGQUERY_EMULATOR_HOST"
READ_EMULATOR = "BIGQUERY_STORAGE_EMULATOR_HOST"
NEEDED = ("project_id", "dataset_id", "location", "maximum_bytes_billed")
KEYS = frozenset({"backend", *NEEDED, "labels"})


def open_bigquery(config: Mapping[str, Any]) -> Any:
    """Connect Ibis with a dataset of BigQuery.

    Args:
        config: ``project_id``, ``dataset_id``, ``location`` (of the dataset),
            ``maximum_bytes_billed`` (a query that would read more is refused, at no cost) and, if
            wanted, ``labels`` that each job gets.

    Returns:
        An Ibis backend, which reads results by the Storage Read API.

    Raises:
        ConfigurationError: ``config`` lacks a key or has an unknown one, or there are no
            credentials.
    """
    lacking = [name for name in NEEDED if not config.get(name)]
    if unknown := sorted(set(config) - KEYS):
        raise ConfigurationError(f"warehouse in BigQuery knows {sorted(KEYS)}, got {unknown}")
    if lacking:
        raise ConfigurationError(f"warehouse in BigQuery needs {lacking}, got {dict(config)}")
    try:
        client, reader = _clients(config)
    except DefaultCredentialsError as error:
        raise ConfigurationError(
            "no credentials for BigQuery; `gcloud auth application-default login` gives them"
        ) from error
    return ibis.bigquery.connect(
        client=client, storage_client=reader, dataset_id=str(config["dataset_id"])
    )


def _clients(config: Mapping[str, Any]) -> tuple[Any, Any]:
    defaults = bigquery.QueryJobConfig(
        maximum_bytes_billed=int(config["maximum_bytes_billed"]),
        labels=dict(config.get("labels") or {}),
    )
    project, location = str(config["project_id"]), str(config["location"])
    if not os.environ.get(EMULATOR):
        options = ClientOptions(quota_project_id=project)
        client = bigquery.Client(project, location=location, default_query_job_config=defaults)
        return client, BigQueryReadClient(client_options=options)
    client = bigquery.Client(
        project, AnonymousCredentials(), location=location, default_query_job_config=defaults
    )
    # As long as may be, as Google's own channel: blocks of rows are.
    length = ("grpc.max_receive_message_length", -1)
    channel = grpc.insecure_channel(os.environ[READ_EMULATOR], options=[length])
    transport = BigQueryReadClient.get_transport_class("grpc")
    return client, BigQueryReadClient(transport=transport(channel=channel))
