"""A checkout of its own for tests that run pipelines: this project's conf, an empty data folder."""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import ibis
import pytest
from google.protobuf.message import DecodeError
from zetasql.api import Analyzer, CatalogBuilder, TableBuilder
from zetasql.types import (
    AnalyzerOptions,
    LanguageOptions,
    TypeKind,
    ZetaSQLBuiltinFunctionOptions,
)

from ucu_mlops.datasets import warehouse
from ucu_mlops.loop.checkout import make_checkout
from ucu_mlops.loop.project import Project

ROOT = Path(__file__).parents[1]
BIGQUERY_KINDS = {
    "string": TypeKind.TYPE_STRING,
    "int64": TypeKind.TYPE_INT64,
    "float64": TypeKind.TYPE_DOUBLE,
    "boolean": TypeKind.TYPE_BOOL,
    "date": TypeKind.TYPE_DATE,
    "timestamp('UTC', 6)": TypeKind.TYPE_TIMESTAMP,
}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Copy what a run needs into an empty folder and work there until the module is done."""
    folder = tmp_path_factory.mktemp("checkout")
    make_checkout(ROOT, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield folder
    warehouse.close_all()


@pytest.fixture(scope="module")
def project(checkout: Path) -> Project:
    """The tiny environment in a checkout of its own."""
    return Project(checkout, env="test")


@pytest.fixture(scope="session")
def bigquery() -> Callable[[Iterable[ibis.Table]], Callable[[str], None]]:
    """Return what tells BigQuery's own analyzer of tables and gives what refuses bad SQL."""

    def analyzer(tables: Iterable[ibis.Table]) -> Callable[[str], None]:
        language = LanguageOptions.maximum_features()
        catalog = CatalogBuilder("warehouse")
        for table in tables:
            built = TableBuilder(table.get_name())
            for name, kind in table.schema().items():
                built = built.add_column(name, BIGQUERY_KINDS[str(kind)])
            catalog = catalog.add_table(built.build())
        functions = ZetaSQLBuiltinFunctionOptions(language_options=language)
        whole = catalog.with_builtin_functions(functions).build()
        judging = Analyzer(AnalyzerOptions(language_options=language), whole)

        def judge(query: str) -> None:
            # A refusal is raised before the answer is read; one too deep to be read is one.
            with contextlib.suppress(DecodeError):
                judging.analyze_statement(query)

        return judge

    return analyzer
