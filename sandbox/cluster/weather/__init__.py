"""Troubles of real clusters, each by its name: one module a kind, one row in `table`."""
