"""Serving sites, and the switches that tests and the page throw."""
