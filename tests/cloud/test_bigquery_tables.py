"""What a partitioned table promises on DuckDB it keeps on BigQuery: the same tests, other place."""

from tests.datasets.conftest import frame
from tests.datasets.test_partitioned_table import *  # noqa: F403 (each test by its own name)

__all__ = ["frame"]
# Sixty saves of two seconds each; DuckDB goes through the invariant.
del test_the_table_is_what_a_dictionary_by_day_would_be  # noqa: F821 (it came with the star)
