"""The bot as a child program of the sandbox."""
