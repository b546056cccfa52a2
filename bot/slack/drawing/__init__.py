"""Values drawn as Block Kit; pure."""
