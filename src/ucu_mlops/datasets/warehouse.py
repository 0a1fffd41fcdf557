"""The process's one connection to the warehouse, shared by every dataset that names the same one.

DuckDB lets a single process hold the file, so a process opens it once and gives it back as soon
as its run is over. BigQuery minds nobody.
"""

import json
import os
import re
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import ibis
from ibis.backends.duckdb import Backend

from ucu_mlops.errors import ConfigurationError, WarehouseError

# Rows wait here, outside the file, until they are checked; every cursor of the process sees it.
STAGING = "staging"
IN_MEMORY = ":memory:"
BACKENDS = ("duckdb", "bigquery")
KEYS = {"backend", "database", "settings"}

_connections: dict[tuple[int, str], Any] = {}
_opening = threading.Lock()
# One save at a time: saves share the connection, and DuckDB runs one statement on each.
writing = threading.RLock()


def connect(config: Mapping[str, Any]) -> Any:
    """Open the warehouse, or return the connection that this process has to it.

    Args:
        config: For DuckDB ``backend`` (``duckdb``), ``database`` (the file; its folder is made)
            and, if wanted, ``settings``: DuckDB's own, such as
            ``{threads: 2, memory_limit: 2GB}``. For BigQuery ``backend`` (``bigquery``) and what
            ``adapters.bigquery.open_bigquery`` takes.

    Returns:
        The same Ibis backend for the same warehouse, in whatever thread.

    Raises:
        ConfigurationError: ``config`` has an unknown key or backend.
        WarehouseError: Another process holds the file, or it is no warehouse.
    """
    config = dict(config)
    if config.get("backend") not in BACKENDS:
        raise ConfigurationError(f"warehouse needs a backend of {BACKENDS}, got {config}")
    if config["backend"] == "duckdb":
        config = _file(config)
    # A forked child must not use its parent's connection: it gets one of its own, or the error.
    key = (os.getpid(), json.dumps(config, sort_keys=True))
    with _opening:
        if key not in _connections:
            _connections[key] = _open(config)
        return _connections[key]


def place(config: Mapping[str, Any]) -> str:
    """Say where the warehouse is, for messages."""
    if config["backend"] == "duckdb":
        return str(config["database"])
    return f"{config['project_id']}.{config['dataset_id']}"


def close_all() -> None:
    """Give back every warehouse that this process holds; a later ``connect`` opens it anew."""
    with _opening:
        for (pid, _), connection in _connections.items():
            if pid == os.getpid():
                connection.disconnect()
        _connections.clear()


def first_line(error: Exception) -> str:
    """Return an engine's message without the hints and source excerpts below its first line."""
    return str(error).partition("\n")[0]


def _file(config: Mapping[str, Any]) -> dict[str, Any]:
    if unknown := sorted(set(config) - KEYS):
        raise ConfigurationError(f"warehouse knows {sorted(KEYS)}, got {unknown}")
    if not config.get("database"):
        raise ConfigurationError(f"warehouse needs a database for DuckDB, got {config}")
    database = str(config["database"])
    if database != IN_MEMORY:
        database = str(Path(database).absolute())
    settings = dict(config.get("settings") or {})
    return {"backend": "duckdb", "database": database, "settings": settings}


def _open(config: dict[str, Any]) -> Any:
    if config["backend"] == "duckdb":
        return _open_file(config["database"], config["settings"])
    from ucu_mlops.adapters.bigquery import open_bigquery  # noqa: PLC0415 (an extra's clients)

    return open_bigquery(config)


def _open_file(database: str, settings: dict[str, Any]) -> Backend:
    if database != IN_MEMORY:
        Path(database).parent.mkdir(parents=True, exist_ok=True)
    try:
        connection = ibis.duckdb.connect(database, **settings)
    except duckdb.Error as error:
        if "lock" in str(error):
            holder = re.search(r"PID (\d+)", str(error))
            who = f"process {holder[1]}" if holder else "another process"
            raise WarehouseError(
                f"warehouse {database} is held by {who}; wait until its run is over or stop it"
            ) from error
        raise WarehouseError(
            f"warehouse {database} cannot be opened: {first_line(error)}"
        ) from error
    connection.raw_sql(f"ATTACH '{IN_MEMORY}' AS {STAGING}")
    return connection
