"""Only what kedro-datasets lacks: partitioned tables, source files, bundles, the registry."""
