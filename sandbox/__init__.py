"""A local Slack, a simulated GKE cluster and a release server, so that the very same bot can be tried on a desk."""
