"""The groups that ship are what the models and the public data set need."""

import ibis
import pytest

from ucu_mlops.features.compile import group_table


@pytest.mark.parametrize("dialect", ["duckdb", "bigquery"])
@pytest.mark.parametrize("env", ["base", "ethereum"])
def test_every_group_compiles_on_the_tables_that_the_catalog_promises(shipped, env, dialect):
    """No group names a column that its source lacks, or asks for what a warehouse cannot do."""
    groups, tables = shipped(env).declared, shipped(env).tables
    spine = ibis.table({"entity_id": "string", "as_of": "date"}, name="spine")
    for group in groups.groups:
        table = group_table(group, groups, tables, spine)
        assert "definition" in ibis.to_sql(table, dialect=dialect), group.name


def test_the_scam_model_has_about_thirty_features(shipped):
    """Everything the architecture promises the scam model is declared."""
    groups = shipped("base").declared
    assert {group.name for group in groups.groups} == {"messages", "sessions", "reports", "profile"}
    assert 28 <= sum(len(group.features) for group in groups.groups) <= 45
    assert {group.name for group in groups.dormant} == {"images"}  # until images are scored


def test_groups_of_base_sleep_beside_other_sources(shipped):
    """The public data set computes its own groups only, though it sees those of base too."""
    groups, base = shipped("ethereum").declared, shipped("base").declared
    assert {group.source for group in groups.groups} == {"events"}
    assert {group.name for group in groups.dormant} == {
        group.name for group in (*base.groups, *base.dormant)
    }


def test_no_feature_of_the_accounts_tells_the_calendar(shipped):
    """Dates are only counted, and no column holds a moment: the era would tell the label."""
    for group in shipped("ethereum").declared.groups:
        assert group.attributes == ()
        for each in group.aggregates:
            if each.column == "occurred_date":
                assert each.aggregate in ("distinct", "top_share"), each.name
            assert each.column != "event_time", each.name
