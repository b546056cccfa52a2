"""Looks at everything with reading rights and posts the proposal."""
