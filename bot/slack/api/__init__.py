"""Calls of Slack: clients, pacing, who somebody is, and what an answer means."""
