"""Slack payloads turned into orders and acknowledged."""
