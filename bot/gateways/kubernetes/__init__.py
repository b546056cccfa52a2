"""The API server of a cluster: connections, paged reads and the few writes of an upgrade."""
