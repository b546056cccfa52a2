"""Google's APIs: GKE, permissions, and the endpoint and identity of a cluster."""
