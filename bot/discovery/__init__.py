"""Clusters that GKE knows, and what is in force in them."""
