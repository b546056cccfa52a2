"""The state of the workspace: people, channels, messages, files, faults and limits."""
