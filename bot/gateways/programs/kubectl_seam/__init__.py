"""The kubectl that istioctl finds on its PATH: a program of ours that records an apply, or guards it."""
