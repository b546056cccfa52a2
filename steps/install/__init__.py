"""What istioctl is asked for and what it makes of it: options, overlays, rendering, differences."""
