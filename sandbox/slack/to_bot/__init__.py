"""What Slack sends to the bot: by sockets or by signed requests."""
