"""Slack payloads turned into use cases and acknowledged."""
