"""The sidecars phase: every pod with an old sidecar gets the new one, or is accounted for."""
