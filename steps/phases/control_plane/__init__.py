"""Backup, `istioctl manifest apply`, and the wait for the replaced control plane."""
