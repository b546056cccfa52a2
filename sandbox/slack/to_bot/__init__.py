"""to_bot."""
