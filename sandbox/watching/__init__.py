"""Who watches the sandbox from the terminal: the narrator, and the person who clicks automatically."""
