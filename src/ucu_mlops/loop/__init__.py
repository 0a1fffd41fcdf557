"""Above the pipelines: plays days, and acts on what monitoring and gate decided."""
