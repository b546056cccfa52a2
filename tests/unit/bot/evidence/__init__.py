"""Tests of the change record."""
