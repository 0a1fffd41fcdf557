"""Declared feature groups, compiled to lazy expressions that see only what was known in time."""
