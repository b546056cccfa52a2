"""Slack's rules for blocks, elements and stamps; no state."""
