"""Google's container API and the other APIs that the bot asks about a project."""
