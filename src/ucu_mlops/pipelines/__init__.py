"""Verbs, wiring only: what runs after what; the work is done by the rooms below."""
