"""The controllers that own pods, one module per kind."""
