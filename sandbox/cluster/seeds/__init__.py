"""What the cluster holds at its start."""
