"""What people are asked in the sidecars phase, and what their answers hold for."""
