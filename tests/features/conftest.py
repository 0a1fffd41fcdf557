"""The groups that ship, on tables that exist in name only."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import ibis
import pytest
from kedro.config import OmegaConfigLoader

from ucu_mlops.features.declarations import Declarations, parse_declarations
from ucu_mlops.settings import CONFIG_LOADER_ARGS

CONF = Path(__file__).parents[2] / "conf"
EVENTS = {
    "account_id": "int64",
    "event_time": "timestamp('UTC', 6)",
    "event_type": "string",
    "counterparty_id": "int64",
    "amount": "float64",
    "token": "string",
    "gas_used": "int64",
    "is_error": "boolean",
    "is_contract_call": "boolean",
    "creates_contract": "boolean",
}


@dataclass(frozen=True)
class Shipped:
    """What an environment declares, and its source tables."""

    declared: Declarations
    tables: dict[str, ibis.Table]


@pytest.fixture(scope="session")
def shipped() -> Callable[[str], Shipped]:
    """Return what ships with an environment."""
    return _shipped


@cache
def _shipped(env: str) -> Shipped:
    loader = OmegaConfigLoader(str(CONF), env=env, **CONFIG_LOADER_ARGS)
    tables = {"events": EVENTS}
    if env != "ethereum":
        entry = loader["catalog"]["source_tables"]["tables"]
        tables = {name: each["columns"] for name, each in entry.items()}
    named = {name: ibis.table(columns, name=name) for name, columns in tables.items()}
    return Shipped(parse_declarations(loader["features"]), named)
