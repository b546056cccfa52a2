"""How payloads come in: Socket Mode or signed HTTP requests."""
