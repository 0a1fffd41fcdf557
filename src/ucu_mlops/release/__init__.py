"""Gate, ledger's rules, promotion and rollback: which version of a model is champion, and why."""
