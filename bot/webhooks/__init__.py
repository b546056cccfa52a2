"""The audit's events, sent to other programs as they come."""
