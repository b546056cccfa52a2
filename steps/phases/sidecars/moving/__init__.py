"""One turn of re-injection: what is begun, what failed, and the pause after a wave."""
