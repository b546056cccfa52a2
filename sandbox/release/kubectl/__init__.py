"""kubectl 1.18 as far as istioctl and the bot call it: a program of the sandbox that speaks to the Kubernetes API."""
