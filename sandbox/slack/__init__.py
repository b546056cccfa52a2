"""Slack's stand-in: its Web API, its events, its rules and its page."""
