"""Foreign labels come out under the names that everything else uses."""

from datetime import UTC, date, datetime

import ibis
import pyarrow as pa
import pytest

from ucu_mlops.errors import ConfigurationError, SchemaError
from ucu_mlops.features.declarations import Declarations, LabelSource
from ucu_mlops.features.labels import declared_labels

SCHEMA = {"id": "int64", "at": "timestamp('UTC', 6)", "bad": "boolean", "from": "string"}
MAPPED = Declarations({}, (), LabelSource("id", "at", "bad", "from"))


@pytest.fixture(scope="module")
def warehouse():
    connection = ibis.duckdb.connect(threads=2)
    yield connection
    connection.disconnect()


def test_names_and_types_are_the_projects_own(warehouse):
    """Ids become text, moments days, booleans 0 and 1; rows without a label are left out."""
    at = datetime(2026, 1, 1, 23, 59, tzinfo=UTC)
    columns = {"id": [1, 2], "at": [at, at], "bad": [True, None], "from": ["x", "y"]}
    table = ibis.memtable(pa.table(columns, schema=ibis.schema(SCHEMA).to_pyarrow()))
    labels = declared_labels(MAPPED, table)
    assert [str(kind) for kind in labels.schema().types] == ["string", "date", "int64", "string"]
    assert warehouse.to_pyarrow(labels).to_pylist() == [
        {"entity_id": "1", "as_of": date(2026, 1, 1), "label": 1, "cohort": "x"}
    ]


def test_without_cohorts_all_are_one():
    """A set that declares no cohort has the one called ``all``."""
    declared = Declarations({}, (), LabelSource("id", "at", "bad"))
    labels = declared_labels(declared, ibis.table(SCHEMA, name="labels"))
    assert "'all'" in ibis.to_sql(labels, dialect="bigquery")


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"bad": None}, r"labels lacks \['bad'\]; it has \['at', 'from', 'id'\]"),
        ({"at": "string"}, r"labels: 'at' must be a date or time, got string"),
        ({"bad": "float64"}, r"labels: 'bad' must be whole numbers or booleans, got float64"),
    ],
    ids=["no label", "no time", "no class"],
)
def test_a_table_of_another_shape_is_refused(schema, message):
    """The message names the column and the file to correct."""
    columns = {name: kind for name, kind in (SCHEMA | schema).items() if kind}
    with pytest.raises(SchemaError, match=message):
        declared_labels(MAPPED, ibis.table(columns, name="labels"))


def test_labels_must_be_declared():
    """Whoever asks for labels where none are declared is told where to declare them."""
    with pytest.raises(ConfigurationError, match="no labels are declared"):
        declared_labels(Declarations({}, ()), ibis.table(SCHEMA, name="labels"))
