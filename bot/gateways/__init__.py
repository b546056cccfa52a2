"""The ports of steps/contract/ports.py over Google's APIs, the API server, release files and child programs."""
