"""In every process of Airflow under test: Google's clients reach the stand-in, and nothing else."""

import os

import grpc
from google.api_core import grpc_helpers, grpc_helpers_async

ADDRESS = os.environ["VERTEX_EMULATOR_HOST"]


def _plain(_target, *_arguments, **options):
    return grpc.insecure_channel(ADDRESS, options=options.get("options"))


def _plain_async(_target, *_arguments, **options):
    return grpc.aio.insecure_channel(ADDRESS, options=options.get("options"))


grpc_helpers.create_channel = _plain
grpc_helpers_async.create_channel = _plain_async
