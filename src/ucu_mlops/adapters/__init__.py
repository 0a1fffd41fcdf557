"""The world behind ports: MLflow's registry, the ledger on SQLite."""
