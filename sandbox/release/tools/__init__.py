"""istioctl and asmctl as they lie in the sandbox's archive: programs of their own, without the sandbox."""
