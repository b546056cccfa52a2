"""What is kept of upgrades that have ended, in a fraction of its room."""
