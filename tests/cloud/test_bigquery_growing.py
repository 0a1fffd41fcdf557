"""What a growing table promises on DuckDB it keeps on BigQuery: the same tests, other place."""

from tests.datasets.test_growing_table import *  # noqa: F403 (each test by its own name)

# A dozen saves of two seconds each; DuckDB goes through the invariant.
del test_the_table_is_what_a_dictionary_would_be  # noqa: F821 (it came with the star)
