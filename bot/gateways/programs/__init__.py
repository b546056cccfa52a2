"""Child programs: istioctl and asmctl, started once, adopted after a restart, ended past their limit."""
