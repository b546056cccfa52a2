"""The controllers that own pods, a module a kind."""
