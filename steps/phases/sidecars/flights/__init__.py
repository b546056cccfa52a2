"""Workloads on their way to the new sidecar: seen, judged and recorded."""
