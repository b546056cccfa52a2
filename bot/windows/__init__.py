"""When a cluster may be changed: pure rules of time."""
