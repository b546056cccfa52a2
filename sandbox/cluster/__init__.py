"""The simulated GKE cluster: a stateful Kubernetes API over TLS and the controllers behind it."""
