"""The gateways: the ports of steps/ports.py over Google's APIs, the API server, release files and child programs."""
