"""What people order, as it came in through any door and before anything is decided about it."""
