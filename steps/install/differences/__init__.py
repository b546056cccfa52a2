"""What an apply would change in the cluster: found, told whose it is, what it means, and how it is kept."""
