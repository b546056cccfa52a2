"""Workloads in general: inventory, injection, risk, method, waves, estimate."""
