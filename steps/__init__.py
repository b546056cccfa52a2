"""The domain: what an upgrade does, phase by phase, in pure Python behind ports."""
