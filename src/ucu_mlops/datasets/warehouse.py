"""The process's one connection to the warehouse, shared by every dataset that names the same one.

DuckDB lets a single process hold the file, so a process opens it once and gives it back as soon
as its run is over.
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
KEYS = {"backend", "database", "settings"}

_connections: dict[tuple[int, str], Backend] = {}
_opening = threading.Lock()
# One save at a time: saves share the connection, and DuckDB runs one statement on each.
writing = threading.RLock()


def connect(config: Mapping[str, Any]) -> Backend:
    """Open the warehouse, or return the connection that this process has to it.

    Args:
        config: ``backend`` (``duckdb``), ``database`` (the file; its folder is made) and, if
            wanted, ``settings``: DuckDB's own, such as ``{threads: 2, memory_limit: 2GB}``.

    Returns:
        The same Ibis backend for the same warehouse, in whatever thread.

    Raises:
        ConfigurationError: ``config`` has an unknown key or backend.
        WarehouseError: Another process holds the file, or it is no warehouse.
    """
    if unknown := sorted(set(config) - KEYS):
        raise ConfigurationError(f"warehouse knows {sorted(KEYS)}, got {unknown}")
    if config.get("backend") != "duckdb" or not config.get("database"):
        raise ConfigurationError(f"warehouse needs backend duckdb and a database, got {config}")
    database, settings = str(config["database"]), dict(config.get("settings") or {})
    if database != IN_MEMORY:
        database = str(Path(database).absolute())
    # A forked child must not use its parent's connection: it gets one of its own, or the error.
    key = (os.getpid(), json.dumps([database, settings], sort_keys=True))
    with _opening:
        if key not in _connections:
            _connections[key] = _open(database, settings)
        return _connections[key]


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


def _open(database: str, settings: dict[str, Any]) -> Backend:
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
