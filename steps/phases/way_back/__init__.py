"""The way back: the earlier release and its options again, then the pods that were moved."""
