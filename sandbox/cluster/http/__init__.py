"""The API server over TLS: requests in, answers and watches out."""
