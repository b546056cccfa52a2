"""The Kubernetes API over HTTP: reading, writing, watching, tables and discovery."""
