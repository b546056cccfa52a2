"""What the bot asks of Slack: the Web API."""
