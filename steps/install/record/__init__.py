"""What istioctl hands to kubectl: recorded, held against the cluster, and what leaves the guide's path in it."""
