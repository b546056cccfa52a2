"""What is kept of upgrades that ended long ago, and where the rest of it goes."""
