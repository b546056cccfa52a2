"""A local Slack, a simulated GKE cluster and a release server, so that the real bot can be tried on one machine."""
