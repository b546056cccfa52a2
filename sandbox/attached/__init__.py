"""A cluster given by kubeconfig in place of the simulated one: its demo mesh, nodes without machines and webhooks."""
