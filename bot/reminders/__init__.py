"""What people are reminded of, when, and in which words."""
