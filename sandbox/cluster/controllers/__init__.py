"""The controllers of the simulated cluster, and the engine that runs them."""
