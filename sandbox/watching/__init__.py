"""Who looks at the sandbox from the terminal: the narrator and the person who clicks by itself."""
