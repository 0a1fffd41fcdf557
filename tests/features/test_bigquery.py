"""BigQuery's own analyzer accepts what the declared groups compile to, and Dataform's files."""

import re
from collections.abc import Callable
from datetime import date

import ibis
import pytest
from zetasql.core.exceptions import ServerError

from ucu_mlops.features.compile import group_table
from ucu_mlops.features.dataform import DAYS, SPINE, Places, dataform_project
from ucu_mlops.features.population import ActiveOptions, active_entities

ENVIRONMENTS = ["base", "ethereum"]


@pytest.fixture(scope="module")
def judge(shipped, bigquery) -> Callable[[str], Callable[[str], None]]:
    """Return what refuses SQL over an environment's tables, with the analyzer's reason."""
    others = [DAYS, SPINE, ibis.table(SPINE.schema(), name="population")]
    return {
        env: bigquery([*shipped(env).tables.values(), *others]) for env in ENVIRONMENTS
    }.__getitem__


@pytest.mark.parametrize("day", [None, date(2026, 3, 31)], ids=["days", "one day"])
@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_every_group_is_valid_in_bigquery(shipped, judge, env, day):
    """Types, names and grouping of every feature hold before BigQuery's analyzer."""
    ours = shipped(env)
    for group in ours.declared.groups:
        table = group_table(group, ours.declared, ours.tables, SPINE, day)
        judge(env)(str(ibis.to_sql(table, dialect="bigquery")))


def test_a_day_from_events_to_features_is_valid_in_bigquery(shipped, judge):
    """The population of some days and a group on it are one valid statement."""
    ours, options = shipped("base"), ActiveOptions("sessions", 7)
    days = date(2026, 3, 1), date(2026, 3, 31)
    active = active_entities(options, ours.declared, ours.tables, *days)
    table = group_table(ours.declared.group("reports"), ours.declared, ours.tables, active)
    judge("base")(str(ibis.to_sql(table, dialect="bigquery")))


def test_dataforms_queries_are_valid_in_bigquery(shipped, judge):
    """What Dataform would run after it has filled in its references."""
    ours = shipped("base")
    places = Places("p", "EU", "features", "warehouse", "2026-01-01")
    files = dataform_project(ours.declared, ours.tables, ActiveOptions("sessions", 7), places)
    bodies = {
        name: text.split("}\n\n")[-1] for name, text in files.items() if "declaration" not in text
    }
    del bodies["workflow_settings.yaml"]
    assert len(bodies) == len(ours.declared.groups) + 1
    for text in bodies.values():
        query = re.sub(r'\$\{ref\("(\w+)"\)\}', r"\1", text)
        query = query.replace("first_day", "DATE '2026-01-01'").replace(
            "last_day", "CURRENT_DATE()"
        )
        judge("base")(query)


def test_the_judge_refuses_however_deep_a_mistake_lies(shipped, judge):
    """The largest group with one wrong name in its innermost query is refused."""
    ours = shipped("ethereum")
    table = group_table(ours.declared.group("rhythm"), ours.declared, ours.tables, SPINE)
    query = str(ibis.to_sql(table, dialect="bigquery"))
    judge("ethereum")(query)
    with pytest.raises(ServerError, match="event_tim not found"):
        judge("ethereum")(query.replace("`event_time`", "`event_tim`"))


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("SELECT nobody FROM sessions", "Unrecognized name: nobody"),
        ("SELECT user_id + 1 FROM sessions", "No matching signature"),
        ("SELECT user_id, COUNT(*) FROM sessions", "neither grouped nor aggregated"),
    ],
    ids=["unknown name", "wrong type", "ungrouped"],
)
def test_the_judge_refuses_what_bigquery_would(judge, query, reason):
    """The analyzer is no rubber stamp."""
    with pytest.raises(ServerError, match=reason):
        judge("base")(query)
