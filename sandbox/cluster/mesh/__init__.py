"""The mesh's manifests and stored values."""
