"""What people may order, settled one click after the other."""
