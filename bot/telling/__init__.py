"""Outcomes turned into rows of the outbox, and upgrades turned into views and words."""
