"""The declared groups as a Dataform project: tables that BigQuery keeps up to date by itself.

sources (declarations) → population → features_<group>, each incremental by day

References: https://cloud.google.com/dataform/docs/create-tables and
https://cloud.google.com/dataform/docs/assertions.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ibis
import sqlglot
import sqlglot.expressions as sge

from ucu_mlops.features.compile import group_table
from ucu_mlops.features.declarations import Declarations
from ucu_mlops.features.groups import FeatureGroup
from ucu_mlops.features.population import ActiveOptions, active_within
from ucu_mlops.features.words import describe

CORE_VERSION = "3.0.62"
KEYS = ("entity_id", "as_of")
DAYS = ibis.table({"as_of": "date"}, name="days")
SPINE = ibis.table({"entity_id": "string", "as_of": "date"}, name="spine")
# Script variables, which `FIRST_AND_LAST_DAY` declares.
DAYS_SQL = "(SELECT as_of FROM UNNEST(GENERATE_DATE_ARRAY(first_day, last_day)) AS as_of)"
SPINE_SQL = (
    '(SELECT entity_id, as_of FROM ${ref("population")} WHERE as_of BETWEEN first_day AND last_day)'
)


@dataclass(frozen=True)
class Places:
    """Where in the cloud the project works.

    Attributes:
        project: Google Cloud project.
        location: BigQuery location.
        dataset: Data set of the features.
        sources: Data set of the source tables.
        start: First day to compute on the first run, ISO.
    """

    project: str
    location: str
    dataset: str
    sources: str
    start: str


def dataform_project(
    declarations: Declarations,
    source_tables: Mapping[str, ibis.Table],
    population: ActiveOptions,
    places: Places,
) -> dict[str, str]:
    """Write the project's files.

    Each run of ``dataform run`` adds the days since the last stored one, up to yesterday. A group
    whose declaration has changed finds no row of its definition and computes all days anew, over
    the rows of the old one; if it has other columns than before, it needs ``--full-refresh``
    (``onSchemaChange`` would run the query in a procedure, which does not see the days declared).

    Args:
        declarations: What is declared.
        source_tables: Tables by name, in name only.
        population: Who is described on a day.
        places: Where.

    Returns:
        Text by path within the project.

    Raises:
        ConfigurationError: The population's source is not declared.
        SchemaError: A source lacks a column.
    """
    used = {group.source for group in declarations.groups} | {population.source}
    files = {"workflow_settings.yaml": _settings(places)}
    for name in sorted(used):
        config = {"type": "declaration", "schema": places.sources, "name": name}
        files[f"definitions/sources/{name}.sqlx"] = _config(config)
    active = active_within(population, declarations, source_tables, DAYS)
    files["definitions/population.sqlx"] = _incremental(
        "Who was active within the last days, as was known at the end of each day.",
        {"entity_id": "The entity.", "as_of": "The day, meaning its end (UTC)."},
        "population",
        list(KEYS),
        bigquery(active, used),
    )
    for group in declarations.groups:
        table = group_table(group, declarations, source_tables, SPINE)
        files[f"definitions/features/features_{group.name}.sqlx"] = _incremental(
            group.description,
            _columns(group),
            group.source,
            [*KEYS, "definition"],
            bigquery(table, used),
            f" WHERE definition = '{group.definition}'",
        )
    return files


def bigquery(table: ibis.Table, sources: set[str]) -> str:
    """Write an expression as BigQuery's SQL with Dataform's references in place of tables."""
    tree = sqlglot.parse_one(str(ibis.to_sql(table, dialect="bigquery")), read="bigquery")
    for each in tree.find_all(sge.Table):
        if each.name in sources:
            written = f'${{ref("{each.name}")}}'
        elif each.name == "days":
            written = DAYS_SQL
        elif each.name == "spine":
            written = SPINE_SQL
        else:
            continue  # a name given within the query
        each.set("this", sge.Identifier(this=written, quoted=False))
    return tree.sql(dialect="bigquery", pretty=True)


def _settings(places: Places) -> str:
    return (
        f"dataformCoreVersion: {CORE_VERSION}\n"
        f"defaultProject: {places.project}\n"
        f"defaultLocation: {places.location}\n"
        f"defaultDataset: {places.dataset}\n"
        f"defaultAssertionDataset: {places.dataset}_assertions\n"
        f"vars:\n  start: '{places.start}'\n"
    )


def _columns(group: FeatureGroup) -> dict[str, str]:
    return {
        "entity_id": "The entity.",
        "as_of": "The day, meaning its end (UTC).",
        **{feature.name: describe(feature) for feature in group.features},
        "definition": "Hash of all that decides the values.",
    }


def _incremental(
    description: str,
    columns: Mapping[str, str],
    tag: str,
    never_null: list[str],
    query: str,
    current: str = "",
) -> str:
    config = {
        "type": "incremental",
        "description": description,
        "columns": columns,
        "uniqueKey": list(KEYS),
        "bigquery": {"partitionBy": "as_of", "clusterBy": ["entity_id"]},
        "tags": [tag],
        "assertions": {"uniqueKey": list(KEYS), "nonNull": never_null},
    }
    days = FIRST_AND_LAST_DAY.replace("STORED", "${self()}" + current)
    return f"{_config(config)}\n{days}\n{query}\n"


# What is stored decides where to go on: STORED becomes the rows of the current definition.
FIRST_AND_LAST_DAY = """pre_operations {
  DECLARE first_day DATE DEFAULT (
    ${when(incremental(),
      `SELECT COALESCE(DATE_ADD(MAX(as_of), INTERVAL 1 DAY),
        DATE '${dataform.projectConfig.vars.start}') FROM STORED`,
      `SELECT DATE '${dataform.projectConfig.vars.start}'`)}
  );
  DECLARE last_day DATE DEFAULT DATE_SUB(CURRENT_DATE('UTC'), INTERVAL 1 DAY);
}
"""


def _config(config: Mapping[str, Any]) -> str:
    return f"config {json.dumps(config, indent=2)}\n"
