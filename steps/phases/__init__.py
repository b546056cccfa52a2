"""The phases of the guide, a module or a package each; every one ends in its tuple of steps."""
