"""from_bot."""
