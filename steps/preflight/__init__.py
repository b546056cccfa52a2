"""Whether this cluster may be upgraded from this machine."""
