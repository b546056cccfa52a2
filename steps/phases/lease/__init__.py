"""One bot a cluster: the Lease that an upgrade holds from right before it is bound until it ends."""
