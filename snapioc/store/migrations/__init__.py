"""Alembic's environment and versions. Written by hand: a test compares what they make with `store.tables`."""
