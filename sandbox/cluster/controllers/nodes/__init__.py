"""What nodes do with pods: scheduling them and running them."""
