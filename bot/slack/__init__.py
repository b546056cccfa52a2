"""Slack as the bot sees it: asking it, drawing for it and sending to it."""
