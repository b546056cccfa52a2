"""Attacks through every door of the bot: each is launched as it would come, and each is stopped."""
