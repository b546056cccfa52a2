"""The controllers of the simulated cluster, one module a kind."""
