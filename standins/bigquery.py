"""BigQuery on loopback: local-bigquery, which translates its SQL to DuckDB's.

It keeps no limit on bytes, and neither plans nor bills by partition.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from standins.processes import ENVIRONMENT, free_port, running

PROJECT, DATASET = "stand-in", "warehouse"
# What the server would download; they are on PyPI, and lie where the server's HOME is.
EXTENSIONS = """
from duckdb_extensions import import_extension
for name in ("icu", "ducklake", "spatial"):
    import_extension(name)
"""


@contextmanager
def serving(folder: Path) -> Iterator[dict[str, str]]:
    """Serve an empty project until the caller is done.

    Yields:
        The environment by which Google's clients and ours find it.
    """
    folder.mkdir(parents=True)
    python = str(ENVIRONMENT / "bin" / "python")
    subprocess.run(  # noqa: S603 (our own)
        [python, "-c", EXTENSIONS], check=True, env={"HOME": str(folder)}, capture_output=True
    )
    rest, grpc = free_port(), free_port()
    command = ["local-bigquery", "--host", "127.0.0.1", "--port", str(rest)]
    command += ["--grpc-port", str(grpc), "--data-dir", str(folder / "data")]
    command += ["--project", PROJECT, "--dataset", DATASET]
    with running(command, rest, folder, {}):
        found = {
            "BIGQUERY_EMULATOR_HOST": f"http://127.0.0.1:{rest}",
            "BIGQUERY_STORAGE_EMULATOR_HOST": f"127.0.0.1:{grpc}",
        }
        options = {"api_endpoint": found["BIGQUERY_EMULATOR_HOST"]}
        client = bigquery.Client(PROJECT, AnonymousCredentials(), client_options=options)
        # Where results go; BigQuery lets a session load tables there, and so must this.
        client.create_dataset("_results", exists_ok=True)
        client.close()
        yield found
