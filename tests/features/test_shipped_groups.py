"""The groups that ship are what the models and the public data set need."""

from pathlib import Path

import ibis
import pytest
from kedro.config import OmegaConfigLoader

from ucu_mlops.features.compile import group_table
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


def loader(env: str) -> OmegaConfigLoader:
    """Return the configuration as ``env`` sees it."""
    return OmegaConfigLoader(str(CONF), env=env, **CONFIG_LOADER_ARGS)


def declared(env: str) -> Declarations:
    """Return what an environment declares."""
    return parse_declarations(loader(env)["features"])


def source_tables(env: str) -> dict[str, ibis.Table]:
    """Return the environment's source tables, in name only."""
    if env == "ethereum":
        return {"events": ibis.table(EVENTS, name="events")}
    tables = loader(env)["catalog"]["source_tables"]["tables"]
    return {name: ibis.table(each["columns"], name=name) for name, each in tables.items()}


@pytest.mark.parametrize("dialect", ["duckdb", "bigquery"])
@pytest.mark.parametrize("env", ["base", "ethereum"])
def test_every_group_compiles_on_the_tables_that_the_catalog_promises(env, dialect):
    """No group names a column that its source lacks, or asks for what a warehouse cannot do."""
    groups = declared(env)
    spine = ibis.table({"entity_id": "string", "as_of": "date"}, name="spine")
    for group in groups.groups:
        table = group_table(group, groups, source_tables(env), spine)
        assert "definition" in ibis.to_sql(table, dialect=dialect), group.name


def test_the_scam_model_has_about_thirty_features():
    """Everything the architecture promises the scam model is declared."""
    groups = declared("base")
    assert {group.name for group in groups.groups} == {"messages", "sessions", "reports", "profile"}
    assert 28 <= sum(len(group.features) for group in groups.groups) <= 45
    assert groups.dormant == ()


def test_groups_of_base_sleep_beside_other_sources():
    """The public data set computes its own groups only, though it sees those of base too."""
    groups = declared("ethereum")
    assert {group.source for group in groups.groups} == {"events"}
    assert {group.name for group in groups.dormant} == {
        group.name for group in declared("base").groups
    }


def test_no_feature_of_the_accounts_tells_the_calendar():
    """Dates are only counted, and no column holds a moment: the era would tell the label."""
    for group in declared("ethereum").groups:
        assert group.attributes == ()
        for each in group.aggregates:
            if each.column == "occurred_date":
                assert each.aggregate in ("distinct", "top_share"), each.name
            assert each.column != "event_time", each.name
